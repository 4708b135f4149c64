/**
 * What every script begins with. Named arguments (`epoch=12 unit=zeitwork-operator … -- --version`) become shell
 * variables; answers are lines `@@zw key value`, so that banners and other noise are ignored. The work is a function
 * that is called on the last line: half a script, cut short on its way, does nothing.
 */
const prelude = `
set -eu
umask 077
LC_ALL=C; export LC_ALL
PATH=\${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin; export PATH
root=/var/lib/zeitwork-upgrades
scrap=
staged=- replace_disk=- replace_image=- replace_env=- keep_env=- new_env=-
trap '[ -z "$scrap" ] || rm -rf "$scrap"' EXIT
trap 'exit 143' INT TERM

say() { printf '@@zw %s %s\\n' "$1" "$2" || :; }
refuse() { say refused "$1 $2"; exit 70; }
each() { while IFS= read -r line; do say "$1" "$line"; done; }

small() { # FILE: its SHA-256, without the start of openssl, which costs more than a small file
  hash=$(sha256sum "$1") || return 1
  printf '%s' "\${hash%% *}"
}
fresh() { # FILE: the same for a large one
  hash=$(openssl dgst -sha256 -r "$1" 2>/dev/null) || hash=$(sha256sum "$1") || return 1
  printf '%s' "\${hash%% *}"
}
digest() { # LABEL FILE: remembered for as long as inode, size, mtime and ctime stay
  key=$(stat -L -c '%d:%i:%s:%.9Y:%.9Z' "$2" 2>/dev/null) || return 1
  if [ -f "$state/digests/$1" ] && read -r known sum <"$state/digests/$1" && [ "$known" = "$key" ]; then
    printf '%s' "$sum"
    return 0
  fi
  sum=$(fresh "$2") || return 1
  remember "$1" "$key $sum"
  printf '%s' "$sum"
}
remember() { # LABEL TEXT: only a saving of time, so it may fail
  [ -d "$state" ] || return 0
  { mkdir -p "$state/digests" && printf '%s\\n' "$2" >"$state/digests/.$1.$$" &&
    mv -f "$state/digests/.$1.$$" "$state/digests/$1"; } 2>/dev/null || rm -f "$state/digests/.$1.$$"
}

unit_facts() { # sets pid
  facts=$(systemctl show "$unit" -p MainPID -p InvocationID -p NRestarts -p ActiveState -p SubState -p Result \\
    -p ExecMainStatus -p ActiveEnterTimestampMonotonic -p LoadState)
  pid=$(printf '%s\\n' "$facts" | sed -n 's/^MainPID=//p')
  pid=\${pid:-0}
}
hashes() { # sets image, disk, environment; empty: not there
  image=; disk=; environment=
  [ "$pid" = 0 ] || image=$(digest running "/proc/$pid/exe") || image=
  if [ -n "$image" ] && [ "/proc/$pid/exe" -ef "$binary" ]; then disk=$image; else disk=$(digest disk "$binary") || disk=; fi
  [ "$env" = - ] || [ -L "$env" ] || [ ! -f "$env" ] || environment=$(small "$env") || environment=
}
invocation_of() { # what runs, or ran last; unit_facts first
  id=$(printf '%s\\n' "$facts" | sed -n 's/^InvocationID=//p')
  printf '%s' "\${id:-none}"
}
stale() { # the environment file was put there by us, and what runs was started before that; unit_facts and hashes first
  put=; while_ran=
  [ -n "$environment" ] && [ -f "$state/environment" ] && read -r put while_ran <"$state/environment" || return 1
  [ "$put" = "$environment" ] || return 1
  [ "$while_ran" = pending ] || [ "$while_ran" = "$(invocation_of)" ]
}
outlived() { # sets put: we put that file there, and somebody replaced it since; what runs may have been started with it
  put=; while_ran=
  [ -n "$environment" ] && [ -f "$state/environment" ] && read -r put while_ran <"$state/environment" || return 1
  [ "$put" != "$environment" ] && [ "$while_ran" != pending ] && [ "$while_ran" != "$(invocation_of)" ]
}
torn() { # FILE: it is there and is no environment file: empty, or with the zeros that a crash leaves
  [ -f "$1" ] && [ ! -L "$1" ] || return 1
  [ "$(tr -d ' \\t\\r\\n' <"$1" | head -c 1 | wc -c)" = 0 ] || [ "$(tr -dc '\\000' <"$1" | head -c 1 | wc -c)" != 0 ]
}
`;

/** Every argument that a script may be given. */
export const named = [
  'epoch',
  'try',
  'unit',
  'binary',
  'env',
  'staged',
  'target',
  'owner',
  'mode',
  'upload',
  'uploaded',
  'backup',
  'version',
  'before',
  'before_env',
  'replace_disk',
  'replace_image',
  'replace_env',
  'keep_env',
  'new_env',
  'folder',
  'prune',
  'bytes',
  'env_from',
  'spare',
  'keep',
  'older',
  'invocation',
  'priority',
  'seconds',
  'check',
  'wanted',
];

const take = `  while [ $# -gt 0 ]; do
    case $1 in
${named.map((name) => `      ${name}=*) ${name}=\${1#*=} ;;`).join('\n')}
      --) shift; break ;;
      *) refuse argument "$1" ;;
    esac
    shift
  done
  state=$root/\${unit%.service}`;

/** A whole script from its functions and the body of its `main`. */
export function script(functions: string[], body: string): string {
  return [prelude, ...functions, `main() {\n${take}\n${body}\n}\nmain "$@" </dev/null\n`].join('\n');
}
