import type { SignedOrder } from '../../base/helper-request.ts';
import { last, type Output } from './answer.ts';

/** A backup as it lies on a node. */
export interface Kept {
  name: string;
  version: string | null;
  sha256: string;
  envSha256: string | null;
  /** The order that lies with it, and what it says; null when none does. */
  back: (SignedOrder & { says: Map<string, string> }) | null;
}

/** The newest backups first, and the number of the run that the node saw last. */
export function readBackups(output: Output): { held: number; backups: Kept[] } {
  const orders = new Map((output.get('return') ?? []).map((line) => [line.split(' ')[0], line.split(' ').slice(1)]));
  const backups = (output.get('backup') ?? []).flatMap((line): Kept[] => {
    const [name = '', sha256 = '', env = '', ...version] = line.split(' ');
    if (!/^[0-9a-f]{64}$/.test(sha256) || !/^(?:-|[0-9a-f]{64})$/.test(env)) return [];
    const [text, signature] = orders.get(name) ?? [];
    return [
      {
        name,
        version: version.join(' ') === 'unknown' ? null : version.join(' '),
        sha256,
        envSha256: env === '-' ? null : env,
        back: text && signature ? { text, signature, says: sayings(text) } : null,
      },
    ];
  });
  return { held: Number(last(output, 'held') ?? 0), backups };
}

function sayings(text: string): Map<string, string> {
  const lines = Buffer.from(text, 'base64').toString().split('\n');
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]));
}
