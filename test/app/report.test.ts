import { spawn } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packIn } from '../../src/app/pack.ts';
import { reportFrom, reportText } from '../../src/app/report.ts';
import { wordsOf } from '../../src/base/errors.ts';
import type { Command } from '../../src/bot/command.ts';
import { loadSettings } from '../../src/config/index.ts';
import { auditExport, createStore } from '../../src/jobs/index.ts';
import { next } from '../../src/upgrade/rollout/index.ts';
import { shortest } from '../config/settings.ts';
import { quickRollout } from '../jobs/fixtures/parts.ts';
import { beliefIn } from '../support/belief.ts';
import { shown } from '../support/product.ts';
import { shippedMain } from '../support/program.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { tuesday } from '../support/rollouts.ts';

const main = shippedMain();
const headIn = (md: string): string => /--head (\S+)/.exec(md)?.[1] ?? '';
let redis: TestRedis;

const at = (...path: string[]) => join(redis.dir, ...path);
const read = (...path: string[]) => readFileSync(at(...path), 'utf8');
const settings = () => loadSettings(at('zeitwork.yaml'), {});
const zeitwork = (...words: string[]) => {
  const env = { PATH: process.env.PATH, HOME: redis.dir, ZEITWORK_CONFIG: at('zeitwork.yaml') };
  return shown(spawn(process.execPath, [main, ...words], { env }));
};

beforeAll(async () => {
  redis = await startTestRedis();
  writeFileSync(at('zeitwork.yaml'), `${shortest.replace('fleet: zeitwork', 'fleet: production')}stateDir: .\n`);
  const store = createStore(redis.handle.caller, 'production', await beliefIn(redis.dir));
  const planned = quickRollout('r1', { createdAt: tuesday });
  const stopped = { type: 'stopped', at: tuesday + 9_000, by: 'U0OTTO' } as const;
  await store.create(planned);
  await store.save({ ...next(planned, stopped), revision: 2 }, stopped);
});
afterAll(() => redis.stop());

describe('zeitwork report', () => {
  it('writes all of it into a directory, which is checked, and made again, without Redis', async () => {
    const { code, out, err } = await zeitwork('report', 'r1', '--out', at('pack'));
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`Written: ${at('pack', 'r1.md')}`);
    for (const file of readdirSync(at('pack'))) expect(statSync(at('pack', file)).mode & 0o777).toBe(0o600);
    expect(read('pack', 'r1.md')).toMatch(/^# zeitwork-operator v2\.0\.0 on production: stopped before it began/);
    expect(read('pack', 'r1.md')).toContain('| 2026-11-24 07:30:09 | U0OTTO | stopped it | 2 |');

    const [, named = ''] = /zeitwork (audit r1 --head \S+ --file) r1\.jsonl/.exec(read('pack', 'r1.md')) ?? [];
    const audit = await zeitwork(...named.split(' '), at('pack', 'r1.jsonl'));
    expect([audit.code, audit.out.trim()]).toEqual([0, expect.stringMatching(/^✓ r1: 2 lines, head [0-9a-f]{16}$/)]);

    const again = await zeitwork('report', '--from', at('pack', 'r1.jsonl'), '--out', at('again'));
    expect([again.code, again.err]).toEqual([0, '']);
    for (const name of readdirSync(at('pack'))) expect(read('again', name), name).toBe(read('pack', name));
  });

  it('is examined file by file with the keys alone: what was changed, taken away or put beside it is named', async () => {
    const whole = await zeitwork('audit', '--pack', at('again'), '--head', headIn(read('again', 'r1.md')));
    expect([whole.code, whole.err]).toEqual([0, '']);
    expect(whole.out.split('\n').filter((line) => line.startsWith('✓'))).toHaveLength(
      readdirSync(at('again')).length + 1,
    );
    cpSync(at('again'), at('spoiled'), { recursive: true });
    writeFileSync(at('spoiled', 'r1.md'), read('again', 'r1.md').replace('U0OTTO', 'U0INES'));
    writeFileSync(at('spoiled', 'extra\u0007.txt'), 'x');
    rmSync(at('spoiled', 'r1.svg'));
    const spoiled = await zeitwork('audit', '--pack', at('spoiled'));
    expect(spoiled.code).not.toBe(0);
    expect(spoiled.out).toMatch(/✗ r1\.md is not what the journal says/);
    expect(spoiled.out).toMatch(/✗ r1\.svg is missing/);
    expect(spoiled.out).toMatch(/✗ extra \.txt is no part of it/);
    expect(spoiled.out).toMatch(/✓ r1\.json is what the journal says/);
    writeFileSync(at('spoiled', 'r1.jsonl'), read('again', 'r1.jsonl').replaceAll('U0OTTO', 'U0INES'));
    expect(await packIn(settings(), at('spoiled')).catch(wordsOf)).toMatch(/is not believed|was changed/);
    expect(await packIn(settings(), at('nowhere')).catch(wordsOf)).toMatch(/cannot be read/);
  });

  it('prints one line of JSON of the newest one', async () => {
    const { out } = await zeitwork('report', '--json');
    const said = { verb: 'report', outcome: 'done', report: { rollout: 'r1', startedAt: null } };
    expect(JSON.parse(out)).toMatchObject(said);
  });

  it('leaves alone what is there already', async () => {
    const reply = await reportFrom(settings(), at('pack', 'r1.jsonl'), null);
    const wanted = { verb: 'report', rollout: null, print: null, out: at('pack'), from: null } as const;
    writeFileSync(at('pack', 'r1.md'), 'mine');
    await expect(reportText(reply, wanted)).rejects.toThrow(/was not written: .*exist/);
    expect(read('pack', 'r1.md')).toBe('mine');
    const print: Extract<Command, { verb: 'report' }> = { ...wanted, print: 'md', out: null };
    expect(await reportText(reply, print)).toBe(read('again', 'r1.md').trimEnd());
  });

  it.each(['../r1.md', '/r1.md', '.r1.md', 'a/b.md'])('writes no file that is called %s', async (name) => {
    const wanted = { verb: 'report', rollout: null, print: null, out: at('named', 'deeper'), from: null } as const;
    const reply = { parts: [], files: [{ name, text: 'x' }] };
    await expect(reportText(reply, wanted)).rejects.toThrow(/is no name of a file/);
    expect(readdirSync(at('named'))).toEqual(['deeper']);
    expect(readdirSync(at('named', 'deeper'))).toEqual([]);
  });

  it.each<[string, (lines: string[]) => string[], RegExp]>([
    ['a line was changed', (lines) => lines.map((line) => line.replaceAll('U0OTTO', 'U0INES')), /was changed/],
    ['the last line of the journal is missing', (lines) => lines.toSpliced(1, 1), /does not go as far/],
    ['its end is missing', (lines) => lines.slice(0, -1), /does not end as one export does/],
    [
      'its end is of another moment',
      (lines) =>
        lines.map((line) =>
          line.replace('"is":"exported"', '"is":"exported","x":1').replace(/"at":1\d{12}(?=,"heads")/, '"at":1'),
        ),
      /signature is wrong/,
    ],
    ['a line stands there twice', (lines) => lines.toSpliced(1, 0, lines[0] ?? ''), /not there one after another/],
  ])('believes no file where %s', async (_, change, why) => {
    const text = change(read('again', 'r1.jsonl').trimEnd().split('\n')).join('\n');
    writeFileSync(at('changed.jsonl'), text);
    await expect(reportFrom(settings(), at('changed.jsonl'), null)).rejects.toThrow(why);
    const { notary } = await beliefIn(redis.dir);
    const audited = () =>
      auditExport(text, notary).map(({ refused, flaws }) => `${refused} ${flaws.map(({ what }) => what)}`);
    const said = await Promise.resolve().then(audited).catch(wordsOf);
    expect(`${said}`).toMatch(why);
  });

  it('believes no file whose line is not the one that was written down', async () => {
    const { notary } = await beliefIn(redis.dir);
    const [audited] = auditExport(read('again', 'r1.jsonl'), notary, { revision: 2, hash: 'feed' });
    expect(audited?.refused).toBe('line 2 is not the one that was written down');
  });
});
