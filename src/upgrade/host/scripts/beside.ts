import { fence } from './fence.ts';
import { script } from './prelude.ts';

const unitIsThere = `
unit_is_there() {
  unit_facts
  case $facts in *LoadState=not-found*) refuse no-unit "$unit" ;; esac
}
`;

/**
 * A second unit beside the one that serves, with the release and with what is set otherwise there: \`$1\`: the binary of the first, for a node
 * that runs the release already; then KEY=VALUE. The first is neither stopped nor changed. Does only what is lacking; what it says of the start proves nothing.
 */
export const besideScript = script(
  [fence, unitIsThere],
  `  enter
  plain
  unit_is_there
  first=$1
  shift
  hashes
  changed=
  if [ "$disk" != "$target" ]; then
    from=$staged
    [ -f "$from" ] || from=$first
    sum=$(fresh "$from") || refuse no-staged "$from"
    [ "$sum" = "$target" ] || refuse staged "$sum"
    scrap=$binary.$$.part
    cp "$from" "$scrap"
    chown "$owner" "$scrap"
    chmod "$mode" "$scrap"
    sync "$scrap"
    mv -fT "$scrap" "$binary"
    scrap=
    sync "\${binary%/*}" || :
    changed=yes
  fi
  for pair; do printf '%s\\n' "$pair"; done >"$state/.set"
  if ! cmp -s "$state/.set" "$env"; then
    scrap=$env.$$.part
    cp "$state/.set" "$scrap"
    chmod 640 "$scrap"
    sync "$scrap"
    mv -fT "$scrap" "$env"
    scrap=
    changed=yes
  fi
  rm -f "$state/.set"
  systemctl enable --quiet "$unit" >/dev/null 2>&1 9>&- 8>&- || refuse not-enabled "$unit"
  if [ "$image" = "$target" ] && [ -z "$changed" ]; then say restart skipped; else restart; fi
  say end ok`,
);

/** That unit is stopped, and what was put there for it is removed. */
export const retireScript = script(
  [fence, unitIsThere],
  `  enter
  unit_is_there
  systemctl disable --quiet "$unit" >/dev/null 2>&1 9>&- 8>&- || :
  if [ "$pid" != 0 ]; then systemctl stop "$unit" 9>&- 8>&- || :; fi
  unit_facts
  [ "$pid" = 0 ] || refuse runs "$unit"
  rm -f "$binary" "$env"
  say end ok`,
);
