import { attributes, backups } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';
import { headers } from './stage.ts';

const gather = `
gather() { # binary and environment file, each verified, with the owner and mode that they are to have
  sum=$(fresh "$upload") || refuse no-upload "$upload"
  [ "$sum" = "$uploaded" ] || { rm -f "$upload"; refuse upload "$sum"; }
  mkdir -p "$state/recovered"
  scrap=$state/recovered/.new.$$
  mkdir "$scrap"
  if [ "$uploaded" = "$target" ]; then cp "$upload" "$scrap/binary"; else tar -xzOf "$upload" >"$scrap/binary"; fi
  sum=$(fresh "$scrap/binary")
  [ "$sum" = "$target" ] || refuse member "$sum"
  chown "$owner" "$scrap/binary"
  attributes "$scrap/binary"
  sync "$scrap/binary"
  if [ "$before_env" != - ]; then
    from=$env
    if [ "$env_from" != - ]; then
      from=$state/backups/$env_from/env
      [ -f "$from" ] || from=$root/backups/$env_from/env
    fi
    cp --preserve=all "$from" "$scrap/env" || refuse no-backup "$from"
    sum=$(small "$scrap/env")
    [ "$sum" = "$before_env" ] || refuse drift-env "$sum"
    sync "$scrap/env"
  fi
  sync "$scrap"
  mv -T "$scrap" "$backup"
  scrap=
  sync "$state/recovered"
  rm -rf "\${upload%/*}"
  rmdir "\${upload%%/*}" 2>/dev/null || :
}
`;

/**
 * Makes the pair that a broken node gets back, beside whatever lies there and verified: nothing of that is touched. What is
 * uploaded is an archive, or, of a peer, the binary itself. An upload of \`-\` means
 * that it was made before. Putting it in place is what \`restore\` does.
 */
export const gatherScript = script(
  [fence, backups, attributes, headers, gather],
  `  enter
  plain
  unit_facts
  for left in "$state"/recovered/*; do [ "$left" = "$backup" ] || [ ! -e "$left" ] || rm -rf "$left"; done
  if [ "$upload" != - ]; then
    rm -rf "$backup"
    gather
  fi
  check_backup
  say header "staged $(header "$backup/binary")"
  say header "shell $(header /bin/sh)"
  say end ok`,
);
