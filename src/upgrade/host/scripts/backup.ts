import { aside } from './aside.ts';
import { askStranger, askVersion } from './ask.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** Of each pair there is one backup, whatever its version was called when it was made: nobody crowds others out by names. */
export const findBackup = `
pair_of() { # NAME: sets pair, its hashes
  pair=\${1#"\${1%-*-*}"}
}
own_names() { # of lines on stdin those that are called as backups are: VERSION-HASH-ENVIRONMENT; others are somebody else's
  hex='[0-9a-f][0-9a-f][0-9a-f][0-9a-f]'
  sed -n "/^[A-Za-z0-9].*-$hex$hex$hex-noenv$/p; /^[A-Za-z0-9].*-$hex$hex$hex-$hex$hex$/p"
}
find_backup() { # versions before 0.2 kept the pairs of all units in one place
  [ ! -d "$backup" ] || return 0
  [ ! -d "$root/backups/\${backup##*/}" ] || backup=$root/backups/\${backup##*/}
  pair_of "\${backup##*/}"
  for same in "$state/backups"/*"$pair"; do [ -z "$pair" ] || [ ! -d "$same" ] || backup=$same; done
}
`;

/** Binary and environment file are kept as a pair, made only if absent, under a name that holds their hashes. */
export const backups = `${findBackup}
check_backup() {
  find_backup
  [ -d "$backup" ] || refuse no-backup "$backup"
  [ "$(digest backup "$backup/binary")" = "$before" ] || refuse damaged "$backup/binary"
  [ "$before_env" = - ] || [ "$(small "$backup/env")" = "$before_env" ] || refuse damaged "$backup/env"
}
make_backup() { # of what runs now; of the file when nothing runs
  find_backup
  if [ -d "$backup" ]; then
    touch -c "$backup" || : # cleanup keeps those that were used last
    return 0
  fi
  source=$binary
  [ -z "$image" ] || [ "$image" = "$disk" ] || source=/proc/$pid/exe
  mkdir -p "$state/backups"
  scrap=$state/backups/.new.$$
  mkdir "$scrap"
  cp --preserve=all "$source" "$scrap/binary"
  sum=$(fresh "$scrap/binary")
  [ "$sum" = "$before" ] || refuse drift "$sum"
  if [ "$before_env" != - ]; then
    cp --preserve=all "$env" "$scrap/env"
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
note_made() { # only of one that was checked: which run may go back to it; the newest fifty lines are kept
  line="$epoch \${backup##*/}"
  [ ! -f "$state/made" ] || ! grep -qxF "$line" "$state/made" || return 0
  { tail -n 49 "$state/made" 2>/dev/null || :; printf '%s\n' "$line"; } >"$state/made.new"
  mv -f "$state/made.new" "$state/made"
}
still_before() {
  now=$image
  [ -n "$now" ] || now=$disk
  [ "$now" = "$before" ] || refuse drift "$now"
  [ "$disk" = "$before" ] || [ "$disk" = "$target" ] || [ "\${disk:-missing}" = "$replace_disk" ] || refuse drift-disk "$disk"
  [ "$before_env" = "\${environment:--}" ] || refuse drift-env "$environment"
}
one_binary() { # a person decided that another file on disk than what runs is put aside
  [ "$disk" != "$before" ] && [ "$disk" != "$target" ] || return 0
  [ -z "$disk" ] || keep_aside binary "$binary" "$disk"
  put_back "$backup/binary" "$binary" "$before"
  disk=$before
  say did disk
}
put_back() { # FROM TO SHA256
  scrap=$2.restore.$$
  # a full disk must not stop a rollback: then the backup itself gets a second name
  cp --preserve=all "$1" "$scrap" || { rm -f "$scrap"; ln "$1" "$scrap"; }
  sum=$(fresh "$scrap")
  [ "$sum" = "$3" ] || refuse damaged "$1"
  sync "$scrap" || :
  mv -fT "$scrap" "$2"
  scrap=
  sync "\${2%/*}" || :
}
`;

/** Extended attributes, capabilities and access lists of the installed binary, onto the one that will replace it. */
export const attributes = `
attributes() { # FILE: its owner is final already, since a change of owner takes capabilities away
  [ ! -f "$binary" ] || cp --attributes-only --preserve=mode,xattr "$binary" "$1" || refuse attributes "$binary"
  chmod "$mode" "$1"
}
`;

/** Makes or verifies the backup of what runs, and reads the staged binary once more. With arguments after `--` it asks that for its version. */
export const backupScript = script(
  [fence, aside, backups, attributes, askVersion, askStranger],
  `  enter
  plain
  unit_facts
  hashes
  still_before
  make_backup
  check_backup
  note_made
  one_binary
  new=$binary
  if [ "$disk" != "$target" ]; then
    new=$staged
    [ -f "$staged" ] || refuse no-staged "$staged"
    attributes "$staged"
    key=$(stat -c '%d:%i:%s:%.9Y:%.9Z' "$staged")
    sum=$(fresh "$staged")
    [ "$sum" = "$target" ] || refuse staged "$sum"
    remember staged "$key $sum"
  fi
  [ $# = 0 ] || ask_stranger "$new" "$@"
  say end ok`,
);

/** Verifies an existing backup and changes nothing. */
export const checkBackupScript = script(
  [backups],
  `  check_backup
  say end ok`,
);
