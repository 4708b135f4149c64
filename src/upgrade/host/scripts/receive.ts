import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * Takes the archive from file descriptor 3, for a node that lets nobody in over SFTP. Its place is root's own: what arrives
 * is no longer, no shorter and nothing else than what was announced. Not under the lock, which a stop must not wait for, but
 * under one of its own: many at once would fill the disk, and what an earlier one left unfinished goes.
 */
export const receiveScript = script(
  [fence],
  `  pass_fence
  mkdir -p "$folder"
  chmod 700 "$root" "$state" "$state/incoming" "$folder"
  for left in "$state"/incoming/*; do [ "$left" = "$folder" ] || [ ! -e "$left" ] || rm -rf "$left"; done
  exec 7>>"$state/receiving"
  lock 7
  for left in "$folder"/.receiving.*; do [ ! -e "$left" ] || rm -f "$left"; done
  scrap=$folder/.receiving.$$
  head -c $((bytes + 1)) <&3 >"$scrap"
  size=$(stat -c %s "$scrap")
  [ "$size" = "$bytes" ] || refuse size "$size $bytes"
  sum=$(fresh "$scrap")
  [ "$sum" = "$uploaded" ] || refuse upload "$sum"
  sync "$scrap"
  mv -fT "$scrap" "$upload"
  scrap=
  say end ok`,
);
