import { aside } from './aside.ts';
import { findBackup } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** A backup counts for what can be read of it, and not for what its name says. */
const restores = `
restores() { # FOLDER: it has what its manifest names; sets was and had
  was=; had=
  [ -f "$1/manifest" ] && [ -f "$1/binary" ] || return 1
  was=$(sed -n 's/^binary \\([0-9a-f]*\\) .*/\\1/p' "$1/manifest" | head -n 1)
  had=$(sed -n 's/^env \\([0-9a-f-]*\\) .*/\\1/p' "$1/manifest" | head -n 1)
  [ -n "$was" ] && [ -n "$had" ] && [ "$(fresh "$1/binary")" = "$was" ] || return 1
  [ "$had" = - ] || { [ -f "$1/env" ] && [ "$(small "$1/env")" = "$had" ]; }
}
gone() { # FOLDER: there is never half a backup under its name
  half=\${1%/*}/.gone.$$
  mv -T "$1" "$half"
  sync "\${1%/*}"
  rm -rf "$half"
  say pruned "$1"
}
is_before() { # STAMP LIMIT, both like 20261130T033000Z
  [ "$1" != "$2" ] && [ "$(printf '%s\\n%s\\n' "$1" "$2" | sort | head -n 1)" = "$1" ]
}
`;

/**
 * Removes backups that were last made or used `older` seconds ago or before, and what was put aside before that. What runs, what the
 * last run came from, what was proven before it, and the newest that can be restored stay in any case: `keep` of these, at least
 * two, however little the caller asks for.
 */
export const tidyScript = script(
  [fence, aside, findBackup, restores],
  `  enter
  [ "$keep" -ge 2 ] || refuse argument keep
  [ "$older" -ge 86400 ] || refuse argument older
  unit_facts
  hashes
  [ -n "$image" ] && [ "$image" = "$disk" ] || refuse drift "$image"
  pair_of "\${backup##*/}"; came=$pair
  pair_of "\${spare##*/}"; proven=$pair
  moment=$(date +%s)
  if [ -d "$state/backups" ]; then
    kept=0
    ls -1t "$state/backups" | own_names | while IFS= read -r name; do
      lies=$state/backups/$name
      if restores "$lies"; then
        [ "$was $had" != "$image \${environment:--}" ] || continue
        if [ "$kept" -lt "$keep" ]; then
          kept=$((kept + 1))
          continue
        fi
      fi
      case $name in *"\${came:-/}" | *"\${proven:-/}") continue ;; esac
      [ "$((moment - $(stat -c %Y "$lies")))" -ge "$older" ] || continue
      gone "$lies"
    done
  fi
  limit=$(date -u -d "@$((moment - older))" +%Y%m%dT%H%M%SZ)
  if [ -d "$state/aside" ]; then
    ls -1 "$state/aside" | while IFS= read -r name; do
      case $name in [0-9]*T[0-9]*Z-*) ;; *) continue ;; esac
      is_before "\${name%%-*}" "$limit" || continue
      rm -f "$state/aside/$name"
      say pruned "$state/aside/$name"
      note "removed $name: it was put aside long ago"
    done
  fi
  say end ok`,
);
