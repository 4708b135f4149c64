import { mask } from './mask.ts';
import { script } from './prelude.ts';

/** Entries that are read at most: more than these in the time that is asked about cannot be counted. */
export const entriesRead = 20_000;

/**
 * How many entries the process that runs now wrote in so many seconds that are of a priority or a more urgent one: by journald's own
 * field, or by what the line says of itself, since a service that writes to its standard output is all `info` there. What a line says of
 * another one (\`errors=0\`) counts for nothing. awk's patterns do not backtrack.
 */
export const countEntriesScript = script(
  [],
  `  case $priority in
    crit) levels='[0-2]' words='fatal|critical|crit|panic|alert|emerg|emergency' ;;
    err) levels='[0-3]' words='error|err|fatal|critical|crit|panic|alert|emerg|emergency' ;;
    warning) levels='[0-4]' words='warning|warn|error|err|fatal|critical|crit|panic|alert|emerg|emergency' ;;
    *) refuse argument priority ;;
  esac
  case $seconds in '' | *[!0-9]*) refuse argument seconds ;; esac
  command -v awk >/dev/null 2>&1 || refuse missing awk
  unit_facts
  invocation=$(printf '%s\\n' "$facts" | sed -n 's/^InvocationID=//p')
  case $invocation in '' | *[!0-9A-Za-z-]*) refuse stopped "$unit" ;; esac
  [ "$pid" != 0 ] || refuse stopped "$unit"
  {
    code=0
    journalctl "_SYSTEMD_INVOCATION_ID=$invocation" "--since=-\${seconds}s" -n ${entriesRead} --no-pager -q -o json \\
      --output-fields=PRIORITY,MESSAGE 2>/dev/null || code=$?
    printf 'ended %s\\n' "$code"
  } | levels="$levels" words="$words" awk '
    BEGIN {
      field = "\\"PRIORITY\\" ?: ?\\"" ENVIRON["levels"] "\\""
      own = "level\\\\\\\\?\\"?[:=] ?\\\\\\\\?\\"?[a-z]"
      named = "level\\\\\\\\?\\"?[:=] ?\\\\\\\\?\\"?(" ENVIRON["words"] ")[^a-z]"
      alone = "[ \\"([](" toupper(ENVIRON["words"]) ")[]) :|]"
    }
    /^ended [0-9]+$/ { ended = substr($0, 7); next }
    /^[{]/ {
      all++
      low = tolower($0)
      if ($0 ~ field || (low ~ own ? low ~ named : $0 ~ alone)) found++
    }
    END { printf "%d %d %s\\n", found, all, ended == "" ? "-" : ended }' | each entries
  say end ok`,
);

/** Runs a program of the settings, and says what it said last and how it ended; it may look, and is not kept from more. */
export const runCheckScript = script(
  [
    mask,
    `
run_check() {
  code=0
  timeout -k 1 "$seconds" "$@" 2>&1 9>&- 8>&- || code=$?
  printf '\\n%s' "$code"
}
`,
  ],
  `  case $seconds in '' | *[!0-9]*) refuse argument seconds ;; esac
  [ $# -gt 0 ] || refuse argument words
  answer=$(run_check "$@" | tr -d '\\000' | tail -c 8001)
  code=\${answer##*"
"}
  [ "\${#answer}" -le 8000 ] || answer=\${answer#*"
"}
  printf '%s\\n' "\${answer%"
"*}" | mask | tail -n 20 | each said
  say code "$code"
  say end ok`,
);

/** One value of the service's environment file, as it stands there: the last one under this key counts, as systemd has it. */
export const lendKeyScript = script(
  [],
  `  case $wanted in '' | [0-9]* | *[!A-Za-z0-9_]*) refuse argument wanted ;; esac
  [ "$env" != - ] && [ -f "$env" ] && [ ! -L "$env" ] || refuse no-env "$env"
  line=$(sed -n "s/^[[:space:]]*$wanted=/=/p" "$env" | tail -n 1 | head -c 4000 | tr -d '\\r\\000')
  case $line in
    '') refuse no-key "$wanted" ;;
    *\\\\) refuse continued "$wanted" ;;
  esac
  say value "\${line#=}"
  say end ok`,
);
