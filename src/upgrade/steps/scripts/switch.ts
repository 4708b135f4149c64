import { backups } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * The one moment of change: a rename and a restart. Does only what is lacking, so running it twice restarts once.
 * What it says of the restart proves nothing; \`verify\` does.
 */
export const switchScript = script(
  [fence, backups],
  `  enter
  unit_facts
  hashes
  check_backup
  if [ "$disk" != "$target" ]; then
    [ "$disk" = "$before" ] || refuse drift-disk "$disk"
    [ -z "$image" ] || [ "$image" = "$before" ] || refuse drift "$image"
    [ -f "$staged" ] || refuse no-staged "$staged"
    sum=$(digest staged "$staged")
    [ "$sum" = "$target" ] || refuse staged "$sum"
    mv -fT "$staged" "$binary"
    say did renamed
    sync "\${binary%/*}" || :
  fi
  if [ "$image" = "$target" ]; then say restart skipped; else restart; fi
  say end ok`,
);
