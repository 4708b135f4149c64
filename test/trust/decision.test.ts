import { describe, expect, it } from 'vitest';
import { readAs } from '../../src/app/cli/as.ts';
import { agentKey } from '../../src/app/signer.ts';
import { canonical, type Decision, sign, signDecision, signerOf, signingKeyIn } from '../../src/trust/index.ts';
import { testKey } from '../support/signing.ts';

const keys = { rosa: testKey(), ines: testKey('ecdsa'), thief: testKey() };
const people = [
  { name: 'rosa', slack: 'U0ROSA', keys: [`${keys.rosa.public} rosa@laptop`] },
  { name: 'ines', slack: 'U0INES', keys: [keys.ines.public] },
];
const now = Date.UTC(2026, 10, 24);
const decision: Decision = {
  fleet: 'production',
  rollout: 'r1',
  revision: 7,
  release: 'b'.repeat(64),
  verb: 'approve',
  arguments: 'approve eu-west',
  at: now,
  nonce: 'n1',
};

describe('a decision on a shell', () => {
  it("is that of whoever's key signed it", async () => {
    for (const { name, slack } of people) {
      const signed = await signDecision(decision, keys[name === 'rosa' ? 'rosa' : 'ines'].file);
      expect(await signerOf(signed, people, now + 299_000)).toEqual({
        person: expect.objectContaining({ name, slack }),
        decision,
      });
    }
  });

  it.each<[string, Partial<Decision>]>([
    ['fleet', { fleet: 'staging' }],
    ['rollout', { rollout: 'r2' }],
    ['revision', { revision: 8 }],
    ['verb', { verb: 'rollback' }],
    ['region', { arguments: 'approve ap-south' }],
    ['time', { at: now + 1 }],
    ['nonce', { nonce: 'n2' }],
    ['release', { release: 'c'.repeat(64) }],
  ])('counts for no other %s', async (_, other) => {
    const { signature } = await signDecision(decision, keys.ines.file);
    const text = canonical({ ...decision, ...other });
    await expect(signerOf({ text, signature }, people, now)).rejects.toThrow(/other bytes than these/);
  });

  it('counts not when it is old, made for something else, or by a key of nobody', async () => {
    const signed = await signDecision(decision, keys.ines.file);
    await expect(signerOf(signed, people, now + 301_000)).rejects.toThrow(/too old/);
    await expect(signerOf(signed, people, now - 301_000)).rejects.toThrow(/too old/);
    const text = canonical(decision);
    const foreign = await sign(Buffer.from(text), keys.ines.file, 'zeitwork-release');
    await expect(signerOf({ text, signature: foreign }, people, now)).rejects.toThrow(/made for "zeitwork-release"/);
    const stolen = await signDecision(decision, keys.thief.file);
    await expect(signerOf(stolen, people, now)).rejects.toThrow(/not one of those that count/);
    await expect(signerOf({ text, signature: 'what' }, people, now)).rejects.toThrow(/does not count/);
  });
});

describe('whose key signs', () => {
  const held = [keys.rosa, keys.thief].map((key) => signingKeyIn(key.public) ?? '');

  it("is the one person's whose key the agent has", () => {
    expect(agentKey(null, people, held)).toBe(signingKeyIn(keys.rosa.public));
    expect(agentKey('rosa', people, held)).toBe(signingKeyIn(keys.rosa.public));
  });

  it.each<[string, string | null, typeof people, string[], RegExp]>([
    ['nobody is known', null, [], held, /settings name no people/],
    ['somebody else is named', 'ines', people, held, /no key of ines: add one with ssh-add/],
    ['a stranger is named', 'lu', people, held, /There is no lu among people: \(rosa, ines\)/],
    ['the agent has none', null, people, [], /may look, pause and stop.*no key of rosa, ines/],
    ['it has several', null, people, [...held, signingKeyIn(keys.ines.public) ?? ''], /keys of rosa, ines: say who/],
  ])('is asked for when %s', (_, as, who, agent, told) => {
    expect(() => agentKey(as, who, agent)).toThrow(told);
  });

  it('may be said with flags, which the verbs do not see', () => {
    expect(readAs(['eu-west', '--as', 'ines', '--key=k'], {})).toEqual({
      as: 'ines',
      key: 'k',
      rest: ['eu-west'],
      isNamed: true,
    });
    expect(readAs(['eu-west'], { ZEITWORK_KEY: 'k' })).toMatchObject({ as: null, key: 'k', isNamed: false });
    expect(() => readAs(['--as'], {})).toThrow(/--as needs a value/);
    expect(() => readAs(['--as', 'a', '--as', 'b'], {})).toThrow(/given twice/);
  });
});
