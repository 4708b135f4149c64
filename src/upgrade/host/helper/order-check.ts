import type { OrderClass } from '../../rollout/types.ts';
import { missing } from '../strangers.ts';
import { orderNamespace, principal } from './policy.ts';

/**
 * Whether an order allows what is asked. It is read only after its signature was found good, and exactly what was found
 * good is read. Time is the node's own: one whose clock is behind honours an order longer, which the doctor looks at.
 */
export const orderCheck = (classes: readonly OrderClass[]): string => `
verified() { # ORDER SIGNATURE, both in base64: sets text
  [ -n "$1" ] && [ -n "$2" ] || refuse no-order "$verb"
  trusted "$signers"
  text=$(printf %s "$1" | base64 -d 2>/dev/null | tr -d '\\000')
  signed=$(printf %s "$2" | base64 -d 2>/dev/null | tr -d '\\000')
  code=0
  # by way of pipes: a node whose disk is full must still be able to go back, and some shells put a here-document into a file
  printf '%s\\n' "$signed" | {
    exec 4<&0
    printf '%s\\n' "$text" |
      ssh-keygen -Y verify -f "$signers" -I ${principal} -n ${orderNamespace} -s /dev/fd/4 >/dev/null 2>&1
  } || code=$?
  [ "$code" != 127 ] || refuse missing ssh-keygen
  [ "$code" = 0 ] || refuse order "its signature is not good for $signers"
}
check_order() { # ORDER SIGNATURE CLASSES: sets o_*
  verified "$1" "$2"
  o_form=; o_fleet=; o_rollout=; o_node=; o_unit=; o_class=; o_release=; o_archive=; o_epoch=; o_made=; o_backup=; o_decided=; o_bytes=; o_after=
  told=' '
  IFS=$nl
  for line in $text; do
    value=\${line#* }
    # whoever could put lines of their own into an order would put them behind ours
    case $told in *" \${line%% *} "*) refuse order 'it says one thing twice' ;; esac
    told="$told\${line%% *} "
    case $line in
      'zeitwork-order '*) o_form=$value ;;
      'fleet '*) o_fleet=$value ;;
      'rollout '*) o_rollout=$value ;;
      'node '*) o_node=$value ;;
      'unit '*) o_unit=$value ;;
      'class '*) o_class=$value ;;
      'release '*) o_release=$value ;;
      'archive '*) o_archive=$value ;;
      'epoch '*) o_epoch=$value ;;
      'made-under '*) o_made=$value ;;
      'backup '*) o_backup=$value ;;
      'decided '*) o_decided=$value ;;
      'bytes '*) o_bytes=$value ;;
      'not-after '*) o_after=$value ;;
      *) refuse order 'it holds a line that this helper does not know' ;;
    esac
  done
  unset IFS
  [ "$o_form" = 1 ] || refuse order 'it is of a form that this helper does not know'
  [ "$o_fleet" = "$fleet" ] || refuse order 'it is for another fleet'
  [ "$o_node" = "$node" ] || refuse order 'it is for another node'
  [ "$o_unit" = "$unit" ] || refuse order 'it is for another unit'
  case $o_class in ${classes.join(' | ')}) ;; *) refuse order 'it is of an unknown class' ;; esac
  case " $3 " in *" $o_class "*) ;; *) refuse order "an order of class $o_class does not allow $verb" ;; esac
  word rollout "$o_rollout"
  number epoch "$o_epoch"
  number made-under "$o_made"
  number not-after "$o_after"
  [ "$(date +%s)" -le "$o_after" ] || refuse order "it was good until $(date -u -d "@$o_after" +%Y-%m-%dT%H:%M:%SZ) by this node's clock"
}
bind_to_order() {
  [ "$epoch" = "$o_epoch" ] || refuse order "its number is $o_epoch, not \${epoch:-none}"
  number try "$try"
  [ -z "$target" ] || [ "$target" = "$o_release" ] || refuse order 'it is for another release'
  [ -z "$uploaded" ] || [ "$uploaded" = "$o_archive" ] || refuse order 'it is for another archive'
  [ "$verb" != receive ] || [ -z "$o_bytes" ] || [ "$bytes" = "$o_bytes" ] || refuse order 'it is for an archive of another size'
  [ "$verb" != restore ] || may_go_back
  only_what_was_decided
  [ "$prune" != yes ] || [ "$o_class" = change ] || refuse order "an order of class $o_class does not allow to remove backups"
  folder=$state/incoming/$o_rollout
  [ "$verb" = receive ] && upload=$folder/archive
  [ "$upload" = - ] || [ -z "$upload" ] || upload=$folder/archive
}
only_what_was_decided() { # of somebody's work: by its name, a hash, or one over several, each with its part
  found=; one=; several=
  # that the environment file is gone or torn is why somebody ordered it; what lies there goes aside
  its_env_goes=$replace_env
  [ "$o_class" != recover ] || its_env_goes=
  for pair in "disk \${replace_disk}" "env \${its_env_goes:-$keep_env}" "image \${replace_image}"; do
    hash=\${pair#* }
    [ -n "$hash" ] || continue
    [ "$hash" != missing ] || hash=${missing}
    found="$found\${pair%% *} $hash$nl"
    [ -z "$one" ] || [ "$one" = "$hash" ] || several=yes
    one=$hash
  done
  [ -n "$found" ] || return 0
  [ -z "$replace_env" ] || [ -z "$keep_env" ] || refuse argument decided
  # whoever goes back alone decides alone: it is kept aside, and the run is over by the number
  [ "$verb $o_class $o_epoch" != "restore return $((o_made + 1))" ] || return 0
  [ -z "$several" ] || one=$(printf %s "$found" | sha256sum | cut -d ' ' -f 1)
  case $o_decided in
    "replace $one") return 0 ;;
    "keep $one") [ -n "$replace_disk$replace_image" ] || { [ "$verb" = restore ] && [ -n "$its_env_goes" ]; } || return 0 ;;
  esac
  refuse order 'nobody decided that of the work that is there'
}
may_go_back() { # to what the order names, or to what was recorded under its number; to recover: to the ordered release
  if [ "$o_class" = recover ]; then
    case $backup in "$state"/recovered/*) [ "$before" != "$o_release" ] || return 0 ;; esac
    refuse order 'it gives back what it names and nothing else'
  fi
  [ "$before $before_env" != "$o_backup" ] || return 0
  pair_of "\${backup##*/}"
  [ -f "$state/made" ] && grep -q -e "^$o_made .*$pair\\$" "$state/made" || refuse order 'it does not allow the way back to this backup'
}
keep_way_back() { # beside the backup that was just made or used, for whoever has to go back alone
  case $verb in stage | backup) ;; *) return 0 ;; esac
  set +f
  find_backup
  set -f
  [ -n "$back" ] && [ -d "$backup" ] || return 0
  ( its_rollout=$o_rollout
    check_order "$back" "$back_signature" return
    [ "$o_rollout $o_made $o_epoch" = "$its_rollout $epoch $((epoch + 1))" ] || refuse order 'it is not the way back of this run'
  ) || return "$?"
  printf '%s\\n%s\\n' "$back" "$back_signature" >"$backup/.return.$$"
  mv -f "$backup/.return.$$" "$backup/return"
}
`;
