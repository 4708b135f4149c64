import { mask } from './mask.ts';
import { script } from './prelude.ts';

/**
 * What a person would look at first. Every part may fail on its own; long lines and long answers are cut, after the values
 * of the environment file were masked in them.
 */
export const diagnoseScript = script(
  [mask],
  `  unit_facts
  printf '%s\\n' "$facts" | each unit
  { systemctl status "$unit" --no-pager --full 2>&1 || :; } | head -n 12 | cut -c 1-4000 | mask | each status
  { journalctl -u "$unit" -n 60 --no-pager -o short-iso 2>&1 || :; } | tail -n 60 | cut -c 1-4000 | mask | each journal
  { ls -l "$binary" 2>&1 || :; } | each file
  if [ -x "$binary" ]; then say executable yes; else say executable no; fi
  bin=$(dirname "$binary")
  say space "binary $(stat -c %d "$bin") $(stat -f -c '%a %S %d %c' "$bin")"
  if command -v ss >/dev/null 2>&1; then { ss -ltnp 2>&1 || :; } | head -n 40 | cut -c 1-200 | each listens; fi
  say end ok`,
);
