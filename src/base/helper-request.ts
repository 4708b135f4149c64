/** The helper on a node, where `ssh.become` is `helper`: the only program that the login may run as root. */
export const helperPath = '/usr/local/sbin/zeitwork-node';

/** Bytes of a request before the file that may follow it: a fixed number, so that the other side reads no more. */
export const headerBytes = 8192;

/** How a verb is called in a request. */
export const wireName = (name: string): string => name.replaceAll(' ', '-');

/** A signed order, both parts in base64. */
export interface SignedOrder {
  text: string;
  signature: string;
}

/** What lets a command change something; `back` is kept on the node, beside the backup that the command makes. */
export interface Presented {
  order: SignedOrder;
  back: SignedOrder | null;
}

interface Asked {
  name: string;
  /** `key=value`, and after `--` words. */
  args: readonly string[];
  timeoutMs: number;
  presented?: Presented;
}

/** What the helper reads on stdin. @throws TypeError for what cannot be said in lines, or not in so many bytes */
export function helperRequest({ name, args, timeoutMs, presented }: Asked): string {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const lines = [
    `verb=${wireName(name)}`,
    `limit=${Math.max(1, Math.ceil(timeoutMs / 1000))}`,
    ...args.slice(0, end),
    ...args.slice(end + 1).map((word) => `word=${word}`),
    ...(presented ? signedLines('order', 'signature', presented.order) : []),
    ...(presented?.back ? signedLines('back', 'back_signature', presented.back) : []),
    'end',
  ];
  if (lines.some((line) => /[\n\0]/.test(line)))
    throw new TypeError(`${name} holds what no line of a request can hold`);
  const text = lines.map((line) => `${line}\n`).join('');
  const missing = headerBytes - Buffer.byteLength(text);
  if (missing < 0) throw new TypeError(`${name} is too long for a request: ${-missing} bytes more than ${headerBytes}`);
  return `${text}${'\n'.repeat(missing)}`;
}

const signedLines = (first: string, second: string, { text, signature }: SignedOrder): string[] => [
  `${first}=${text}`,
  `${second}=${signature}`,
];
