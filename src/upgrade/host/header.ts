/** `7f 45 4c 46`, then class, byte order and, two bytes at 18, the machine (elf(5)); null for anything else. */
function kindOf(header: string): string | null {
  return /^7f454c46[0-9a-f]{32}$/.test(header) ? header.slice(8, 12) + header.slice(36, 40) : null;
}

const script = /^2321/;

/**
 * Why what was staged cannot run on its node, from the first bytes of files, in hex: it must be of the kind of what runs
 * there, the service or at least a shell; or a script. Null when it may be.
 */
export function judgeHeaders(lines: string[], machine: string): string | null {
  const headers = new Map(lines.map((line) => [line.split(' ')[0], line.split(' ')[1] ?? '']));
  const of = (label: string) => headers.get(label) ?? '';
  if (script.test(of('staged'))) return null;
  const kind = kindOf(of('staged'));
  if (kind === null) return 'the binary is neither an ELF file nor a script that begins with #!';
  const own = [kindOf(of('running')), kindOf(of('shell'))];
  return own.includes(kind) ? null : `the binary is not for this machine (${machine})`;
}
