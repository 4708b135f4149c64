/** What the node saw last, run and try. */
export const numbers = `numbers() { # FILE: sets held, held_try, and line as it stands there
  line=; held=0; held_try=0
  [ -f "$1" ] || return 0
  read -r line <"$1" || :
  set -- $line
  case \${1:-x}\${2:-}\${3:+x} in *[!0-9]*) return 1 ;; esac
  held=$1; held_try=\${2:-0}
}
`;

/**
 * The one-at-a-time lock and the fence on the node: a command of an older run, or of an older try of this one, changes
 * nothing. A mutating script goes on when the connection is lost, so that it never stops between a rename and a restart.
 *
 * Versions before 0.2 kept one lock and one number for all units, in the folder above. While these files are there, their
 * lock is taken as well, and their number is raised, so that a late command of such a version is fenced; it is not
 * compared, since it may be of another service.
 */
export const fence = `
enter() {
  trap '' HUP PIPE
  [ -d "$state" ] || { mkdir -p "$state" && chmod 700 "$root" "$state"; }
  exec 9>>"$state/lock"
  lock 9
  if [ -f "$root/lock" ]; then
    exec 8>>"$root/lock"
    lock 8
  fi
  pass_fence
  [ "$held" -eq "$epoch" ] && [ "$held_try" -eq "$try" ] || write "$state/epoch" "$(printf '%020d %020d' "$epoch" "$try")"
  if [ -f "$root/epoch" ] && numbers "$root/epoch" && [ "$held" -lt "$epoch" ]; then
    write "$root/epoch" "$(printf '%020d' "$epoch")"
  fi
  tidy
}
pass_fence() {
  numbers "$state/epoch" || refuse epoch "$state/epoch"
  if [ "$held" -gt "$epoch" ] || { [ "$held" -eq "$epoch" ] && [ "$held_try" -gt "$try" ]; }; then
    say refused "fenced $held $held_try $epoch"
    exit 76
  fi
}
lock() { # FD
  code=0
  flock -n "$1" || code=$?
  case $code in
    0) ;;
    1) say refused 'busy -'; exit 75 ;;
    127) refuse missing flock ;;
    *) refuse lock "$code" ;;
  esac
}
${numbers}write() { # FILE NUMBERS: over the old ones, which have the same width, so that a rollback gets through on a full disk
  if [ -f "$1" ] && [ "\${#line}" -eq "\${#2}" ]; then
    printf '%s\\n' "$2" 1<>"$1"
    sync "$1"
  elif { printf '%s\\n' "$2" >"$1.new" && sync "$1.new"; } 2>/dev/null; then
    mv -f "$1.new" "$1"
    sync "\${1%/*}"
  else
    rm -f "$1.new"
    [ -f "$1" ] || refuse full "\${1%/*}"
    printf '%s\\n' "$2" 1<>"$1"
    sync "$1"
  fi
}
tidy() { # what a script of ours that was killed has left behind: under the lock nobody else works on this unit
  for left in "$binary".*.staged; do [ "$left" = "$staged" ] || [ ! -e "$left" ] || rm -f "$left"; done
  for left in "$binary".*.part "$binary".restore.* "$env".restore.* "$state"/*.new "$state"/*/.[a-z]*; do
    [ ! -e "$left" ] || rm -rf "$left"
  done
}
plain() { # this program replaces files by renaming
  [ ! -L "$binary" ] || refuse link "$binary $(readlink "$binary")"
  [ ! -L "$env" ] || refuse link "$env $(readlink "$env")"
}
note_put() { # SHA256 INVOCATION: which environment file we put in place, and what ran right after that
  printf '%s %s\\n' "$1" "$2" >"$state/environment.new" && sync "$state/environment.new" &&
    mv -f "$state/environment.new" "$state/environment" && sync "$state"
}
settle_put() { # asked anew: a process that came up meanwhile may have either file
  put=; while_ran=
  [ -f "$state/environment" ] && read -r put while_ran <"$state/environment" || return 0
  [ "$while_ran" = pending ] || return 0
  unit_facts
  note_put "$put" "$(invocation_of)" 2>/dev/null || rm -f "$state/environment"
}
restart() {
  settle_put
  # a unit that failed or was restarted often may be held back by its start limit
  if [ "$pid" = 0 ]; then systemctl reset-failed "$unit" >/dev/null 2>&1 9>&- 8>&- || :; fi
  code=0
  systemctl restart "$unit" 9>&- 8>&- || code=$?
  say restart "$code"
}
`;
