import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { complaints, edited, load } from './settings.ts';

function key(comment = ''): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const parts = [Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url')].map((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return Buffer.concat([length, part]);
  });
  return `ssh-ed25519 ${Buffer.concat(parts).toString('base64')}${comment}`;
}

const [bot, other, worker] = [key(), key(), key()];
const settings = (signers: string[], bots: string[] | null) =>
  edited('{ user: ops }', `{ user: ops, signers: ${JSON.stringify(signers)} }`) +
  (bots === null ? '' : `keys: ${JSON.stringify({ bot: bots, worker: [worker] })}\n`);

it('takes orders of bots alone that are believed elsewhere too', () => {
  expect(load(settings([`${bot} a comment`], [bot, other])).signers).toEqual([`${bot} a comment`]);
  expect(load(settings([other], null)).signers).toEqual([other]);
  expect(complaints(settings([bot, other], [bot]))).toEqual([
    expect.stringMatching(/^zeitwork.yaml:\d+: ssh.signers\[1\]: is not among keys.bot: nodes would take orders/),
  ]);
  expect(complaints(settings([worker], [bot]))).toHaveLength(1);
});

it('takes no key of several lines, which would be several in the list on the nodes', () => {
  expect(complaints(settings([`${bot} x\nzeitwork ${other}`], null))).toEqual([
    expect.stringMatching(/ssh.signers\[0\].*is not a public key/),
  ]);
});
