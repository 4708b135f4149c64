import { aside } from './aside.ts';
import { attributes, backups } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

export const headers = `
header() { # FILE: its first 20 bytes, which hold the machine that an ELF file is for
  od -An -v -tx1 -N20 "$1" 2>/dev/null | tr -d ' \\n'
}
`;

/**
 * Puts the new binary beside the installed one, verified, with its final owner, mode and attributes, and makes the backup:
 * what is left for the node's own turn is a rename and a restart. An upload of `-` means that it was staged before.
 * Nothing of the release is run: nobody has to have decided anything yet. Of what kind it is, its first bytes tell.
 *
 * The archive is the one that was looked into: it holds one file, however its member's path is written.
 */
export const stageScript = script(
  [fence, aside, backups, attributes, headers],
  `  enter
  plain
  unit_facts
  hashes
  still_before
  if [ "$upload" != - ]; then
    sum=$(fresh "$upload") || refuse no-upload "$upload"
    [ "$sum" = "$uploaded" ] || { rm -f "$upload"; refuse upload "$sum"; }
    scrap=$staged.$$.part
    tar -xzOf "$upload" >"$scrap"
    sum=$(fresh "$scrap")
    [ "$sum" = "$target" ] || refuse member "$sum"
    chown "$owner" "$scrap"
    attributes "$scrap"
    sync "$scrap"
    mv -fT "$scrap" "$staged"
    scrap=
    rm -rf "\${upload%/*}"
    rmdir "\${upload%%/*}" 2>/dev/null || :
  fi
  sum=$(fresh "$staged") || refuse no-staged "$staged"
  [ "$sum" = "$target" ] || { rm -f "$staged"; refuse staged "$sum"; }
  chown "$owner" "$staged"
  attributes "$staged"
  sync "$staged" "$(dirname "$staged")"
  digest staged "$staged" >/dev/null
  make_backup
  check_backup
  note_made
  one_binary
  say header "staged $(header "$staged")"
  [ "$pid" = 0 ] || say header "running $(header "/proc/$pid/exe")"
  say header "shell $(header /bin/sh)"
  say end ok`,
);
