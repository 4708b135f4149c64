import { backups } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

const putBack = `
put_back() { # FROM TO SHA256
  scrap=$2.restore.$$
  # a full disk must not stop a rollback: then the backup itself gets a second name
  cp -p "$1" "$scrap" || { rm -f "$scrap"; ln "$1" "$scrap"; }
  sum=$(fresh "$scrap")
  [ "$sum" = "$3" ] || refuse damaged "$1"
  sync "$scrap" || :
  mv -fT "$scrap" "$2"
  scrap=
  sync "\${2%/*}" || :
}
`;

/** Binary and environment file back from the backup, as a pair and with their owner and mode, then a restart. */
export const restoreScript = script(
  [fence, backups, putBack],
  `  enter
  rm -f "$state/digests/backup"
  check_backup
  unit_facts
  hashes
  lacking=
  [ "$image" = "$before" ] || lacking=yes
  if [ "$disk" != "$before" ]; then
    put_back "$backup/binary" "$binary" "$before"
    say did binary
  fi
  if [ "$before_env" != - ] && [ "$environment" != "$before_env" ]; then
    put_back "$backup/env" "$env" "$before_env"
    lacking=yes
    say did env
  fi
  if [ -n "$lacking" ]; then restart; else say restart skipped; fi
  say end ok`,
);
