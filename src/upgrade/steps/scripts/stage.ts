import { backups } from './backup.ts';
import { fence } from './fence.ts';
import { askVersion } from './observe.ts';
import { script } from './prelude.ts';

/**
 * Puts the new binary beside the installed one, verified, with its final owner and mode, and makes the backup: what
 * is left for the node's own turn is a rename and a restart. An upload of \`-\` means that it was staged before.
 */
export const stageScript = script(
  [fence, backups, askVersion],
  `  enter
  unit_facts
  hashes
  still_before
  if [ "$upload" != - ]; then
    sum=$(fresh "$upload") || refuse no-upload "$upload"
    [ "$sum" = "$uploaded" ] || { rm -f "$upload"; refuse upload "$sum"; }
    scrap=$staged.$$.part
    tar -xzOf "$upload" "$member" >"$scrap"
    sum=$(fresh "$scrap")
    [ "$sum" = "$target" ] || refuse member "$sum"
    chown "$owner" "$scrap"
    chmod "$mode" "$scrap"
    sync "$scrap"
    mv -fT "$scrap" "$staged"
    scrap=
    rm -rf "\${upload%/*}"
    rmdir "\${upload%%/*}" 2>/dev/null || :
  fi
  sum=$(fresh "$staged") || refuse no-staged "$staged"
  [ "$sum" = "$target" ] || { rm -f "$staged"; refuse staged "$sum"; }
  chown "$owner" "$staged"
  chmod "$mode" "$staged"
  sync "$staged" "$(dirname "$staged")"
  digest staged "$staged" >/dev/null
  make_backup
  check_backup
  [ $# = 0 ] || ask_version "$staged" "$@"
  say end ok`,
);
