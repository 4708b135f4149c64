import { createPrivateKey, createPublicKey } from 'node:crypto';
import { openBelief } from '../../src/app/belief.ts';
import { type Belief, type ChainedEntry, examine, openAnchors } from '../../src/jobs/index.ts';
import { createNotary, field, keyId, type Says, type SigningKey } from '../../src/trust/index.ts';

/** An Ed25519 key that every process of a test can make again: `name` is all its secret. */
export function testKey(name: string): SigningKey {
  const seed = Buffer.alloc(32, name);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const line = `ssh-ed25519 ${Buffer.concat([field('ssh-ed25519'), field(Buffer.from(x ?? '', 'base64url'))]).toString('base64')}`;
  return { private: key, public: line, id: keyId(line) };
}

const bot = testKey('bot');
const worker = testKey('worker');

/** What a bot or a worker believes; `both` signs as either, for tests that write whatever they need. */
export function belief(signer: 'bot' | 'worker' | 'both' = 'both'): Belief {
  const trusted: Record<Says, string[]> = { decisions: [bot.public], reports: [worker.public] };
  const anchors = openAnchors(null);
  if (signer === 'bot') return { notary: createNotary(bot, trusted), anchors };
  if (signer === 'worker') return { notary: createNotary(worker, trusted), anchors };
  const bots = createNotary(bot, trusted);
  const workers = createNotary(worker, trusted);
  return {
    anchors,
    notary: {
      sign: (text, as) => (as.includes('decisions') ? bots : workers).sign(text, as),
      fault: bots.fault,
    },
  };
}

/** What the programs believe that share a state directory. */
export async function beliefIn(stateDir: string): Promise<Belief> {
  const { notary } = await openBelief({ stateDir, keys: null }, 'bot', { warn: () => undefined });
  return { notary, anchors: openAnchors(null) };
}

/** What is wrong in the journal of a rollout, in words. */
export const flawsIn = (rollout: string, lines: ChainedEntry[], fleet = 'production'): string[] =>
  examine({ fleet, journal: rollout }, lines, belief().notary).flaws.map(({ what }) => what);
