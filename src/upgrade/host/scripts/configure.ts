import { backups } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** Puts the staged environment file in the place of the old one, with owner, mode and attributes of that. */
export const putNew = `
new_is_there() { # sets new
  new=$state/environments/$new_env
  [ -f "$new" ] && [ "$(small "$new")" = "$new_env" ] || refuse no-environment "$new"
}
put_new() {
  cp --attributes-only --preserve=mode,ownership,xattr "$env" "$new" || refuse attributes "$env"
  note_put "$new_env" pending || refuse full "$state"
  put_back "$new" "$env" "$new_env"
  say did env
}
`;

/** More is no environment file of a service. */
const longestEnvironment = 32_768;

/** Gives the environment file away, as it lies there, in base64. Nothing of it is kept anywhere but in the memory of whoever asked. */
export const lendEnvironmentScript = script(
  [],
  `  [ "$env" != - ] && [ -f "$env" ] && [ ! -L "$env" ] || refuse no-env "$env"
  size=$(stat -c %s "$env")
  [ "$size" -le ${longestEnvironment} ] || refuse env-size "$size"
  base64 -w 3000 "$env" | each text
  say end ok`,
);

/** Takes the new environment file for a node's turn: it lies where only root gets until then, and away from where systemd looks. */
export const stageEnvironmentScript = script(
  [fence],
  `  enter
  scrap=$state/environments/.new.$$
  mkdir -p "$state/environments"
  cp "$upload" "$scrap" || refuse no-upload "$upload"
  rm -rf "\${upload%/*}"
  rmdir "\${upload%%/*}" 2>/dev/null || :
  plain
  unit_facts
  hashes
  [ "$before_env" = "\${environment:--}" ] || refuse drift-env "$environment"
  [ "$(small "$scrap")" = "$new_env" ] || refuse upload "$new_env"
  chmod 600 "$scrap"
  sync "$scrap"
  mv -fT "$scrap" "$state/environments/$new_env"
  scrap=
  sync "$state/environments"
  say end ok`,
);

/**
 * The one moment of a change of configuration: a rename and a restart. Owner, mode and attributes are those of the file that lies there.
 * It is restarted where what runs is from before the file was put there, or is what ran when the node was looked at; so once, however often this is run.
 */
export const configureScript = script(
  [fence, backups, putNew],
  `  enter
  plain
  unit_facts
  hashes
  check_backup
  [ "$disk" = "$target" ] || refuse drift-disk "$disk"
  case $image in '' | "$target") ;; *) refuse drift "$image" ;; esac
  case \${environment:-missing} in "$before_env" | "$new_env") ;; *) refuse drift-env "$environment" ;; esac
  lacking=
  [ "$pid" != 0 ] || lacking=yes
  [ "$(invocation_of)" != "$invocation" ] || lacking=yes
  ! stale || lacking=yes
  if [ "$environment" != "$new_env" ]; then
    new_is_there
    put_new
    lacking=yes
  fi
  if [ -n "$lacking" ]; then restart; else say restart skipped; fi
  say end ok`,
);

/**
 * Which keys the process that runs now was started with otherwise than the uploaded lines say: \`KEY=value\`, or \`!KEY\` for one that must
 * not be there. Names alone are said. Values stay in files: an argument could be read by anybody on the node.
 */
export const compareEnvironmentScript = script(
  [
    `
named() { # lines on stdin that end with a zero, without what stands behind their =
  sed -z 's/=.*//' | tr '\\000' '\\n'
}
is_in() { # KEY NAMES
  printf '%s\\n' "$2" | grep -qxF -e "$1"
}
`,
  ],
  `  [ -f "$upload" ] || refuse no-upload "$upload"
  scrap=$upload
  unit_facts
  [ "$pid" != 0 ] || refuse stopped "$unit"
  say invocation "$(invocation_of)"
  there=$(named <"/proc/$pid/environ")
  right=$(grep -zxFf "$upload" "/proc/$pid/environ" | named)
  sed 's/=.*//' "$upload" | while IFS= read -r key; do
    case $key in
      '!'*) ! is_in "\${key#!}" "$there" || say differs "\${key#!}" ;;
      *) is_in "$key" "$right" || say differs "$key" ;;
    esac
  done
  say end ok`,
);
