import { findBackup } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * Removes what was staged, uploaded and gathered. Of the backups the newest five stay, and in any case the one that this run
 * recorded; older ones go, when the caller says so.
 */
export const cleanupScript = script(
  [fence, findBackup],
  `  enter
  rm -rf "$folder"
  rmdir "$(dirname "$folder")" 2>/dev/null || :
  rm -rf "$state/recovered"
  [ "$backup" = - ] || rm -rf "$state/environments"
  pair_of "\${backup##*/}"
  if [ "$prune" = yes ] && [ -d "$state/backups" ]; then
    ls -1t "$state/backups" | own_names | tail -n +6 | while IFS= read -r old; do
      case $old in *"\${pair:-/}") continue ;; esac
      rm -rf "$state/backups/$old"
      say pruned "$state/backups/$old"
    done
  fi
  say end ok`,
);
