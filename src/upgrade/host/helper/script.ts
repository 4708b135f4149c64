import { headerBytes, wireName } from '../../../base/helper-request.ts';
import { orderClasses } from '../../rollout/index.ts';
import { findBackup } from '../scripts/backup.ts';
import { named } from '../scripts/prelude.ts';
import { type VerbName, verbs } from '../verbs.ts';
import { argumentsCheck } from './arguments-check.ts';
import { orderCheck } from './order-check.ts';
import { policyFolder } from './policy.ts';

const isKnown = (name: VerbName): boolean => !('sudoOnly' in verbs[name]);
const verbNames = (Object.keys(verbs) as VerbName[]).filter(isKnown);

const head = `#!/bin/sh
# zeitwork-node: what the upgrade program may do as root on this node, and nothing else.
# Made by "zeitwork helper script"; "zeitwork doctor" compares it. It takes no arguments: a request comes on stdin, ${headerBytes}
# bytes of lines, and what changes the node needs an order, signed by a key of /etc/zeitwork-node/UNIT.signers.
set -euf
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
LC_ALL=C; export LC_ALL
unset ENV BASH_ENV CDPATH
root=/var/lib/zeitwork-upgrades
settings=${policyFolder}
nl='
'

say() { printf '@@zw %s %s\\n' "$1" "$2" || :; }
refuse() {
  note "refused \${verb:-a request}: $1 $2"
  say refused "$1 $2"
  exit 70
}
note() { logger -t zeitwork-node -- "$1" >/dev/null 2>&1 || :; }
`;

const readRequest = `
read_request() { # of a fixed length, so that nobody can make it long; its last line shows that all of it came
  request=$(timeout -k 1 60 head -c ${headerBytes} <&3 | tr -d '\\000')
  case $request in *"$nl"end) ;; *) refuse request 'it did not come whole' ;; esac
  verb=; limit=; words=; order=; signature=; back=; back_signature=
  ${named.map((name) => `${name}=`).join('; ')}
  IFS=$nl
  for line in $request; do
    case $line in
      verb=*) verb=\${line#*=} ;;
      limit=*) limit=\${line#*=} ;;
      word=*) words="$words\${line#*=}$nl" ;;
      order=*) order=\${line#*=} ;;
      signature=*) signature=\${line#*=} ;;
      back=*) back=\${line#*=} ;;
      back_signature=*) back_signature=\${line#*=} ;;
${named.map((name) => `      ${name}=*) ${name}=\${line#*=} ;;`).join('\n')}
      end) ;;
      *) verb=; refuse request 'it holds an unknown line' ;;
    esac
  done
  unset IFS
}
`;

const about = `
about() { # what is installed, to be compared
  say helper "$(sha256sum <"$0" | cut -d ' ' -f 1)"
  for kind in policy signers; do
    [ ! -f "$settings/$unit.$kind" ] || say "$kind" "$(sha256sum <"$settings/$unit.$kind" | cut -d ' ' -f 1)"
  done
  for tool in ssh-keygen base64 timeout head; do command -v "$tool" >/dev/null 2>&1 || say missing "$tool"; done
  say end ok
}
`;

const work = `
classes_of() { # VERB: kinds of orders that allow it, or - for what only looks
  case $1 in
    about) classes=- ;;
${verbNames.map((name) => `    ${wireName(name)}) classes='${verbs[name].orders.join(' ') || '-'}' ;;`).join('\n')}
    *) verb=; refuse verb 'there is no such verb' ;;
  esac
}
work() {
  set --
${named.map((name) => `  [ -z "$${name}" ] || set -- "$@" "${name}=$${name}"`).join('\n')}
  set -- "$@" --
  IFS=$nl
  for word in $words; do set -- "$@" "$word"; done
  unset IFS
  cd "$root" 2>/dev/null || cd /var/lib
  code=0
  script_of "$verb" | env -i PATH="$PATH" LC_ALL=C timeout -k 5 "$limit" sh -s -- "$@" || code=$?
  return "$code"
}
main() {
  [ $# = 0 ] || refuse argument 'none is taken'
  exec 3<&0 </dev/null
  read_request
  classes_of "$verb"
  check_unit
  [ "$verb" != about ] || { about; return 0; }
  read_policy
  check_arguments
  if [ "$classes" = - ]; then work; return "$?"; fi
  check_order "$order" "$signature" "$classes"
  bind_to_order
  note "$verb for $o_rollout, $o_class, epoch $epoch"
  trap '' HUP PIPE
  work || return "$?"
  keep_way_back
}
`;

/** The scripts as they are, each under its verb: in quotes, since some shells put a here-document into a file. */
const library = () =>
  [
    '\nscript_of() {\n  case $1 in',
    ...verbNames.map(
      (name) => `    ${wireName(name)}) printf '%s\\n' '${verbs[name].script.replaceAll("'", "'\\''")}' ;;`,
    ),
    '  esac\n}\n',
  ].join('\n');

/**
 * The one program that a login may run as root where \`ssh.become\` is \`helper\`: the same fixed scripts, as verbs. Unit and
 * paths come from its own policy; what changes something needs an order. The request comes on stdin, so that a forced command
 * in authorized_keys changes nothing, and no argument can look like an option.
 */
export function helperScript(): string {
  const check = orderCheck(orderClasses);
  return `${[head, readRequest, argumentsCheck, findBackup, check, about, library(), work].join('')}\nmain "$@"\n`;
}
