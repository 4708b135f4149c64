import { aside } from './aside.ts';
import { backups } from './backup.ts';
import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** What this run neither put there nor found is somebody's work: it is replaced only as a person decided of its hash. */
const ours = `
known() { # SHA256
  [ "$1" = "$target" ] || [ "$1" = "$before" ]
}
only_ours() { # sets strange_disk, strange_image, strange_env; a binary that is gone hides nobody's work
  strange_disk=; strange_image=; strange_env=; word=; now=\${environment:-missing}; recorded=$before_env
  [ "$recorded" != - ] || recorded=missing
  [ -z "$disk" ] || known "$disk" || strange_disk=$disk
  [ -z "$image" ] || known "$image" || strange_image=$image
  [ "$env" = - ] || [ "$now" = "$recorded" ] || strange_env=$now
  [ -z "$strange_disk" ] || [ "$strange_disk" = "$replace_disk" ] || refuse foreign-disk "$strange_disk"
  [ -z "$strange_image" ] || [ "$strange_image" = "$replace_image" ] || refuse foreign-image "$strange_image"
  case $strange_env in '' | "$replace_env" | "$keep_env" | "$new_env") ;; *) refuse foreign-env "$strange_env" ;; esac
}
restore_env() {
  [ "$now" = missing ] || [ "$now" = "$new_env" ] || keep_aside environment "$env" "$now"
  if [ "$recorded" = missing ]; then
    rm -f "$env"
  else
    note_put "$recorded" pending 2>/dev/null || : # a full disk must not stop a rollback
    put_back "$backup/env" "$env" "$recorded"
  fi
}
`;

/** Binary and environment file back from the backup, as a pair and with their owner and mode, then a restart. */
export const restoreScript = script(
  [fence, aside, backups, ours],
  `  enter
  plain
  rm -f "$state/digests/backup"
  check_backup
  unit_facts
  hashes
  only_ours
  lacking=
  [ "$image" = "$before" ] || lacking=yes
  ! stale || lacking=yes
  if [ "$now" = "$recorded" ] && outlived && [ "$put" = "$new_env" ]; then
    # somebody put the old file back by hand: only a restart brings it into effect
    note_put "$recorded" pending 2>/dev/null || :
    lacking=yes
  fi
  [ -z "$strange_disk" ] || keep_aside binary "$binary" "$disk"
  [ -z "$strange_image" ] || [ "$image" = "$disk" ] || keep_aside image "/proc/$pid/exe" "$image"
  if [ "$disk" != "$before" ]; then
    put_back "$backup/binary" "$binary" "$before"
    say did binary
  fi
  if [ -n "$strange_env" ] && [ "$strange_env" != "$keep_env" ]; then
    restore_env
    lacking=yes
    say did env
  fi
  if [ -n "$lacking" ]; then restart; else say restart skipped; fi
  say end ok`,
);
