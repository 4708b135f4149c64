import { mask } from './mask.ts';
import { script } from './prelude.ts';

/**
 * What a person would look at first. Changes nothing. Every part may fail on its own; long lines and long answers are cut,
 * after the values of the environment file were masked in them. Of that file only the names are told.
 */
export const diagnoseScript = script(
  [mask],
  `  unit_facts
  printf '%s\\n' "$facts" | each unit
  { systemctl show "$unit" -p UnitFileState -p LoadError -p FragmentPath -p NeedDaemonReload -p Type -p User -p Group \\
    -p WorkingDirectory -p EnvironmentFiles -p ExecMainCode -p ExecMainStartTimestamp -p ExecMainExitTimestamp -p Restart \\
    -p StartLimitBurst -p StartLimitIntervalUSec -p TimeoutStartUSec -p TimeoutStopUSec -p MemoryMax -p LimitNOFILE 2>&1 || :; } |
    head -n 30 | cut -c 1-300 | each more
  { systemctl status "$unit" --no-pager --full 2>&1 || :; } | head -n 12 | cut -c 1-4000 | mask | each status
  { journalctl -u "$unit" -n 60 --no-pager -o short-iso 2>&1 || :; } | tail -n 60 | cut -c 1-4000 | mask | each journal
  bin=$(dirname "$binary")
  { ls -l "$binary" 2>&1 || :; } | each file
  { ls -ld "$bin" 2>&1 || :; } | each files
  if [ "$env" != - ]; then { ls -ld "$(dirname "$env")" "$env" 2>&1 || :; } | each files; fi
  if [ -x "$binary" ]; then say executable yes; else say executable no; fi
  case $pid in
    0 | *[!0-9]*) ;;
    *)
      say running "$(readlink "/proc/$pid/exe" 2>/dev/null | cut -c 1-300)"
      say open "$(ls "/proc/$pid/fd" 2>/dev/null | wc -l)"
      ;;
  esac
  if [ "$env" != - ] && [ -f "$env" ]; then
    sed -n 's/^[[:space:]]*\\(export[[:space:]]\\{1,\\}\\)\\{0,1\\}\\([A-Za-z_][A-Za-z0-9_]\\{0,99\\}\\)=.*/\\2/p' "$env" 2>/dev/null | head -n 100 | each key
  fi
  say space "binary $(stat -c %d "$bin") $(stat -f -c '%a %S %d %c' "$bin")"
  for place in / /var /tmp "$bin" "$root"; do
    [ -d "$place" ] || continue
    say place "$place $(stat -f -c '%a %S %d %c' "$place") $(if [ -w "$place" ]; then echo rw; else echo ro; fi)"
  done
  if command -v ss >/dev/null 2>&1; then { ss -ltnp 2>&1 || :; } | head -n 40 | cut -c 1-200 | each listens; fi
  say clock "$(date +%s)"
  say end ok`,
);
