import { aside } from './aside.ts';
import { backups } from './backup.ts';
import { putNew } from './configure.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * The one moment of change: a rename and a restart. Does only what is lacking, so running it twice restarts once.
 * What it says of the restart proves nothing; `verify` does. An environment file that goes with the release is renamed with it, before one restart of both.
 */
export const switchScript = script(
  [fence, aside, backups, putNew],
  `  enter
  plain
  unit_facts
  hashes
  check_backup
  if [ "$disk" != "$target" ] || [ "$image" != "$target" ]; then
    case \${disk:-missing} in "$before" | "$target" | "$replace_disk") ;; *) refuse drift-disk "$disk" ;; esac
    case $image in '' | "$before" | "$target" | "$replace_image") ;; *) refuse drift "$image" ;; esac
    recorded=$before_env
    [ "$recorded" != - ] || recorded=missing
    case \${environment:-missing} in "$recorded" | "$keep_env" | "$new_env") ;; *) refuse drift-env "$environment" ;; esac
  fi
  if [ "$disk" != "$target" ]; then
    [ -f "$staged" ] || refuse no-staged "$staged"
    sum=$(digest staged "$staged")
    [ "$sum" = "$target" ] || refuse staged "$sum"
  fi
  new=
  if [ "$new_env" != - ] && [ "$environment" != "$new_env" ]; then
    [ "$environment" = "$before_env" ] || refuse drift-env "$environment"
    new_is_there
  fi
  [ "$disk" != "$replace_disk" ] || keep_aside binary "$binary" "$disk"
  [ "$image" != "$replace_image" ] || [ "$image" = "$disk" ] || keep_aside image "/proc/$pid/exe" "$image"
  if [ -n "$new" ]; then
    put_new
    environment=$new_env
  fi
  if [ "$disk" != "$target" ]; then
    mv -fT "$staged" "$binary"
    say did renamed
    sync "\${binary%/*}" || :
  fi
  if [ "$image" = "$target" ] && ! stale; then say restart skipped; else restart; fi
  say end ok`,
);
