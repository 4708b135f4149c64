import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** Removes what was staged and uploaded. Backups stay. */
export const cleanupScript = script(
  [fence],
  `  enter
  rm -f "$binary".*.staged "$binary".*.staged.*.part "$binary".restore.*
  [ "$env" = - ] || rm -f "$env".restore.*
  rm -rf "$folder"
  rmdir "$(dirname "$folder")" 2>/dev/null || :
  say end ok`,
);
