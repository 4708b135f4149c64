import { expect, it } from 'vitest';
import { examineChecks } from '../../src/doctor/checks.ts';
import type { AskChecks, Check, CheckVerdict } from '../../src/upgrade/checks/types.ts';
import { fleetOf } from '../support/rollouts.ts';

const common = { at: ['watch'], absent: 'bad', onBad: 'hold', within: 1_000 } as const;
const ready: Check = { ...common, kind: 'get', name: 'ready', urls: {}, status: 200, that: null };
const live: Check = { ...ready, name: 'live', absent: 'skip' };

/** The doctor's words, where each check says this of each node. */
async function told(says: (check: string, node: string) => CheckVerdict, checks: Check[] = [ready, live]) {
  const ask: AskChecks = async (node) =>
    checks.map(({ name, absent }) => {
      const is = says(name, node);
      const counts = is === 'bad' || is === 'unknown' ? is : is === 'absent' && absent === 'bad' ? 'bad' : 'good';
      return { check: name, node, is, counts, onBad: 'hold', says: `it is ${is}`, at: 0 };
    });
  const found = await examineChecks({ fleet: { ...fleetOf(), checks } }, checks.length === 0 ? null : ask);
  return found.map(({ is, text }) => `${is}: ${text}`);
}

it('the doctor asks every check once, on every node', async () => {
  expect(await told(() => 'good')).toEqual(['right: ready, live: good on 9 of 9 nodes']);
});

it('and tells what is absent, unknown, bad or worth a look, each once for the nodes that have it in common', async () => {
  const absent = await told((check) => (check === 'live' ? 'absent' : 'good'));
  expect(absent[0]).toMatch(/^note: live is absent: it is absent: us-east-op-1, .* and 4 more$/);
  expect(absent[1]).toBe('note: 9 of 18 answers are good');
  expect(await told((check, node) => (check === 'ready' && node === 'eu-west-op-1' ? 'absent' : 'good'))).toEqual([
    'wrong: ready is absent: it is absent: eu-west-op-1; correct the check, take it out, or write absent: skip where this service has no such thing',
    'note: 17 of 18 answers are good',
  ]);
  const one = (is: CheckVerdict) => told((check, node) => (check === 'ready' && node === 'eu-west-op-1' ? is : 'good'));
  expect((await one('unknown'))[0]).toBe(
    'wrong: ready is unknown: it is unknown: eu-west-op-1; unknown never counts as good',
  );
  expect((await one('bad'))[0]).toBe('wrong: ready is bad: it is bad: eu-west-op-1');
  expect((await one('watch'))[0]).toBe('note: ready is worth a look: it is watch: eu-west-op-1');
});

it('and says so where nothing is asked', async () => {
  expect(await told(() => 'good', [])).toEqual([
    'note: nothing is asked of nodes but their health (checks in the settings)',
  ]);
});
