/**
 * The one-at-a-time lock and the fence on the node: a command of an older run changes nothing. A mutating script goes
 * on when the connection is lost, so that it never stops between a rename and a restart.
 */
export const fence = `
enter() {
  trap '' HUP PIPE
  [ -d "$state" ] || { mkdir -p "$state" && chmod 700 "$state"; }
  exec 9>>"$state/lock"
  flock -n 9 || { say refused 'busy -'; exit 75; }
  held=0
  [ ! -f "$state/epoch" ] || read -r held <"$state/epoch" || :
  case $held in '' | *[!0-9]*) refuse epoch "$state/epoch" ;; esac
  [ "$held" -le "$epoch" ] || { say refused "fenced $held"; exit 76; }
  [ "$held" -eq "$epoch" ] || raise
}
raise() {
  wide=$(printf '%020d' "$epoch")
  if { printf '%s\\n' "$wide" >"$state/epoch.new" && sync "$state/epoch.new"; } 2>/dev/null; then
    mv -f "$state/epoch.new" "$state/epoch"
    sync "$state"
  else # on a full disk the number is written over the old one, which has the same width: a rollback must get through
    rm -f "$state/epoch.new"
    [ -f "$state/epoch" ] || refuse full "$state"
    printf '%s\\n' "$wide" 1<>"$state/epoch"
    sync "$state/epoch"
  fi
}
restart() {
  # a unit that failed or was restarted often may be held back by its start limit
  if [ "$pid" = 0 ]; then systemctl reset-failed "$unit" >/dev/null 2>&1 9>&- || :; fi
  code=0
  systemctl restart "$unit" 9>&- || code=$?
  say restart "$code"
}
`;
