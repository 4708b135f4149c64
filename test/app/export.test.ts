import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/app/cli/exit.ts';
import { faultInExport } from '../../src/jobs/exported.ts';
import { createLedger, createStore } from '../../src/jobs/index.ts';
import { shortest } from '../config/settings.ts';
import { quickRollout } from '../jobs/fixtures/parts.ts';
import { belief, beliefIn } from '../support/belief.ts';
import { shown } from '../support/product.ts';
import { shippedMain } from '../support/program.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

const main = shippedMain();
let redis: TestRedis;

const zeitwork = (...words: string[]) => {
  const env = { PATH: process.env.PATH, HOME: redis.dir, ZEITWORK_CONFIG: join(redis.dir, 'zeitwork.yaml') };
  return shown(spawn(process.execPath, [main, ...words], { env }));
};
const lines = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  redis = await startTestRedis();
  writeFileSync(
    join(redis.dir, 'zeitwork.yaml'),
    `${shortest.replace('fleet: zeitwork', 'fleet: production')}stateDir: .\n`,
  );
  const store = createStore(redis.handle.caller, 'production', belief());
  const first = quickRollout('r1');
  await store.create(first);
  const over = { ...first, revision: 2, status: { is: 'stopped' as const, by: 'U1', at: 2 } };
  await store.save(over, { type: 'stopped', at: 2, by: 'U1' });
  await store.create(quickRollout('r2', { createdAt: Date.now() + 1 }));
  await createLedger(redis.handle.caller, 'production', belief()).record({
    type: 'froze',
    ...{ at: 1, by: 'U1', id: 'f1', regions: null, start: 1, end: 9e15, reason: 'sale' },
  });
});
afterAll(() => redis.stop());

describe('zeitwork export', () => {
  it('prints one rollout with its journal', async () => {
    const { code, out, err } = await zeitwork('export', 'r1');
    expect([code, err]).toEqual([0, '']);
    expect(lines(out).map(({ is, rollout }) => `${is} ${rollout}`)).toEqual([
      ...['entry r1', 'entry r1', 'rollout r1'],
      'exported undefined',
    ]);
    const [head] = lines(out)
      .filter(({ is }) => is === 'entry')
      .map(({ line }) => JSON.parse(line).hash)
      .slice(-1);
    const last = lines(out).at(-1);
    expect(last).toMatchObject({ fleet: 'production', heads: { r1: head } });
    const own = (await beliefIn(redis.dir)).notary;
    expect(faultInExport(last, own)).toBeNull();
    expect(faultInExport({ ...last, at: last.at + 1 }, own)).toBe('its signature is wrong');
  });

  it('prints all of them, the oldest first, and the ledger', async () => {
    const { out } = await zeitwork('export', '--all');
    expect(lines(out).map(({ is, rollout = '' }) => `${is} ${rollout}`.trim())).toEqual([
      ...['entry r1', 'entry r1', 'rollout r1', 'entry r2', 'rollout r2'],
      ...['ledger entry', 'ledger', 'exported'],
    ]);
  });

  it.each([
    [[], exitCodes.usage, /name one ROLLOUT .*or give --all/],
    [['r1', '--all'], exitCodes.usage, /name one ROLLOUT/],
    [['r9'], exitCodes.refused, /There is no rollout r9/],
  ])('says what to do when it is asked for %j', async (words, code, message) => {
    const said = await zeitwork('export', ...words);
    expect(said).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
  });
});
