import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** Binary and environment file are kept as a pair, made only if absent, under a name that holds their hashes. */
export const backups = `
check_backup() {
  [ -d "$backup" ] || refuse no-backup "$backup"
  [ "$(digest backup "$backup/binary")" = "$before" ] || refuse damaged "$backup/binary"
  [ "$before_env" = - ] || [ "$(small "$backup/env")" = "$before_env" ] || refuse damaged "$backup/env"
}
make_backup() { # of what runs now; of the file when nothing runs
  [ ! -d "$backup" ] || return 0
  source=$binary
  [ -z "$image" ] || [ "$image" = "$disk" ] || source=/proc/$pid/exe
  mkdir -p "$state/backups"
  rm -rf "$state/backups"/.new.*
  scrap=$state/backups/.new.$$
  mkdir "$scrap"
  cp -p "$source" "$scrap/binary"
  sum=$(fresh "$scrap/binary")
  [ "$sum" = "$before" ] || refuse drift "$sum"
  if [ "$before_env" != - ]; then
    cp -p "$env" "$scrap/env"
    sum=$(small "$scrap/env")
    [ "$sum" = "$before_env" ] || refuse drift-env "$sum"
    sync "$scrap/env"
  fi
  printf 'version %s\\nbinary %s %s\\nenv %s %s\\n' "$version" "$before" "$(stat -L -c '%U:%G %a' "$source")" \\
    "$before_env" "$env" >"$scrap/manifest"
  sync "$scrap/binary" "$scrap/manifest" "$scrap"
  mv -T "$scrap" "$backup"
  scrap=
  sync "$state/backups"
  say made "$backup"
}
still_before() {
  now=$image
  [ -n "$now" ] || now=$disk
  [ "$now" = "$before" ] || refuse drift "$now"
  [ "$disk" = "$before" ] || [ "$disk" = "$target" ] || refuse drift-disk "$disk"
  [ "$before_env" = "\${environment:--}" ] || refuse drift-env "$environment"
}
`;

/** Makes or verifies the backup of what runs, and reads the staged binary once more. */
export const backupScript = script(
  [fence, backups],
  `  enter
  unit_facts
  hashes
  still_before
  make_backup
  check_backup
  if [ "$disk" != "$target" ]; then
    key=$(stat -c '%d:%i:%s:%.9Y:%.9Z' "$staged" 2>/dev/null) || refuse no-staged "$staged"
    sum=$(fresh "$staged")
    [ "$sum" = "$target" ] || refuse staged "$sum"
    remember staged "$key $sum"
  fi
  say end ok`,
);

/** Verifies an existing backup and changes nothing. */
export const checkBackupScript = script(
  [backups],
  `  check_backup
  say end ok`,
);
