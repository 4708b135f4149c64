import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

/** Separates the words of a call; not a character that arguments hold. */
export const separator = '\x1f';

/** Commands that this process answers, because it plays systemd and the service. */
const asked = ['systemctl', 'journalctl', 'ss'];

/** Writes the commands that stand before the real ones on a node's PATH. */
export async function writeShims(layout: Layout, hostname: string): Promise<void> {
  const shims: [directory: string, name: string, text: string][] = [
    ...asked.map((name): [string, string, string] => [layout.shims, name, asking(name, layout)]),
    [layout.shims, 'sudo', sudo(layout)],
    [layout.shims, 'chown', chown(layout)],
    [layout.shims, 'setpriv', withoutOptions],
    [layout.shims, 'systemd-run', withoutOptions],
    [layout.shims, 'hostname', `echo '${hostname}'`],
    [layout.shims, 'date', `exec /usr/bin/date -d "$(cat '${layout.clock}')" "$@"`],
    [layout.fullShims, 'df', df],
    [layout.fullShims, 'stat', stat],
  ];
  await Promise.all([layout.shims, layout.fullShims, layout.calls].map((path) => mkdir(path, { recursive: true })));
  await Promise.all(
    shims.map(([directory, name, text]) => writeFile(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })),
  );
}

/**
 * One line into the node's FIFO asks; a FIFO of its own, held open both ways before asking, wakes the caller with
 * the exit code. Needs nothing but sh and coreutils, polls nothing, and costs three small processes.
 */
function asking(name: string, { calls, control }: Layout): string {
  return `call='${calls}/'$$
mkfifo "$call" || exit 1
exec 8<>"$call"
IFS='${separator}'
printf '%s\\n' "$$${separator}${name}${separator}$*" > '${control}'
IFS= read -r code <&8
if [ -e "$call.out" ]; then cat "$call.out"; rm -f "$call.out"; fi
if [ -e "$call.err" ]; then cat "$call.err" >&2; rm -f "$call.err"; fi
exit "$code"`;
}

function sudo({ sudoBroken }: Layout): string {
  return `if [ -e '${sudoBroken}' ]; then echo 'sudo: a password is required' >&2; exit 1; fi
while [ $# -gt 0 ]; do
  case $1 in
    -l | -v) exit 0 ;;
    -u | -g) shift 2 ;;
    --) shift; break ;;
    -*) shift ;;
    *) break ;;
  esac
done
exec "$@"`;
}

/** Only root may give files away, so the wish is written down instead. */
function chown({ owners }: Layout): string {
  return `while [ $# -gt 0 ]; do case $1 in --) shift; break ;; -*) shift ;; *) break ;; esac; done
owner=$1
shift
for file in "$@"; do
  [ -e "$file" ] || { echo "chown: cannot access '$file': No such file or directory" >&2; exit 1; }
  printf '%s %s\\n' "$owner" "$file" >> '${owners}'
done`;
}

/** Nodes lie in a directory that only their owner may enter: a toy build answers as whoever runs the sandbox. */
const withoutOptions = `while [ $# -gt 0 ]; do case $1 in -*) shift ;; *) break ;; esac; done
exec "$@"`;

/** `stat -f -c '%a …'`: the free blocks come first. */
const stat = `case " $* " in
  *' -f '*) /usr/bin/stat "$@" | sed 's/^[0-9][0-9]*/0/' ;;
  *) exec /usr/bin/stat "$@" ;;
esac`;

/** Keeps the form of the real answer and leaves nothing available. */
const df = `/bin/df "$@" | awk 'NR > 1 && NF >= 6 { $3 = $2; $4 = 0; $5 = "100%" } NR > 1 && NF == 1 { $1 = 0 } { print }'`;
