import { describe, expect, it } from 'vitest';
import type { Reply } from '../../src/bot/context.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { message } from '../../src/bot/views/parts.ts';
import type { Check, CheckResult } from '../../src/upgrade/checks/types.ts';
import type { NodeSurvey } from '../../src/upgrade/rollout/types.ts';
import { newImage, surveyOf, tuesday } from '../support/rollouts.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const result = (
  node: string,
  check: string,
  is: CheckResult['is'] = 'good',
  more: Partial<CheckResult> = {},
): CheckResult => ({
  check,
  node,
  is,
  counts: is === 'bad' || is === 'unknown' ? is : 'good',
  onBad: 'hold',
  says: `so it is with ${check}`,
  at: tuesday,
  ...more,
});

/** Every node runs the newest release; what its checks say besides. */
function where(changes: Record<string, CheckResult[]>): Trial {
  const fleet = trialFleet();
  const names = fleet.regions.flatMap((region) => region.nodes.map(({ name }) => name));
  const each = (name: string): Partial<NodeSurvey> => ({
    version: 'v2.0.0',
    sha256: newImage,
    checks: changes[name] ?? ['ready', 'errors'].map((check) => result(name, check)),
  });
  return trial({ fleet, looks: surveyOf(fleet, Object.fromEntries(names.map((name) => [name, each(name)]))) });
}
const ask = ({ context }: Trial, text: string): Promise<Reply> => runCommand(context, 'U0LU', text);

describe('verify', () => {
  it('says that all is right when every check is good, with a table', async () => {
    const reply = await ask(where({}), 'verify');
    expect([reply.outcome, reply.facts?.right]).toEqual(['done', true]);
    const text = asText(reply);
    expect(text).toMatch(/^✓ All 9 nodes are right: .*; nothing that is asked of them is bad\.$/m);
    expect(text).toMatch(/^ +ready {2}errors *$/m);
    expect(text).toMatch(/^us-east-op-1 +good +good *$/m);
  });

  it.each<[CheckResult['is'], Partial<CheckResult>, string, string]>([
    ['bad', {}, 'wrong', 'errors is bad: so it is with errors'],
    ['unknown', {}, 'wrong', 'errors is unknown: so it is with errors'],
    ['absent', { counts: 'bad' }, 'wrong', 'errors is absent: so it is with errors'],
  ])('finds %s, and no program that reads its exit code goes on', async (is, more, outcome, words) => {
    const name = 'eu-west-op-2';
    const reply = await ask(where({ [name]: [result(name, 'ready'), result(name, 'errors', is, more)] }), 'verify');
    expect([reply.outcome, reply.facts?.right]).toEqual([outcome, false]);
    const text = asText(reply);
    expect(text).toContain('✗ 1 thing not right:');
    expect(text).toContain(`✗ ${name}: ${words}`);
    expect(text).toMatch(new RegExp(`^${name} +good +${is} *$`, 'm'));
    expect(reply.facts?.checks).toContainEqual({
      check: 'errors',
      node: name,
      is,
      counts: more.counts ?? is,
      says: 'so it is with errors',
      seenAt: '2026-11-24T07:30:00.000Z',
    });
  });

  it.each(['watch', 'absent'] as const)('lets %s pass where it counts as good, and shows it', async (is) => {
    const name = 'eu-west-op-2';
    const reply = await ask(where({ [name]: [result(name, 'ready'), result(name, 'errors', is)] }), 'verify');
    expect(reply.outcome).toBe('done');
    expect(asText(reply)).toMatch(new RegExp(`^${name} +good +${is} *$`, 'm'));
  });

  it('tells once what several nodes have in common', async () => {
    const sick = ['us-east-op-1', 'ap-south-op-3'];
    const changes = Object.fromEntries(sick.map((name) => [name, [result(name, 'errors', 'bad')]]));
    expect(asText(await ask(where(changes), 'verify'))).toContain(
      '✗ 2 things not right:\n✗ us-east-op-1, ap-south-op-3: errors is bad: so it is with errors',
    );
  });

  it('looks at a region or a node alone, and asks no other', async () => {
    const here = where({});
    const asked: string[][] = [];
    here.control.survey = async (nodes: { name: string }[]) => {
      const names = nodes.map(({ name }) => name);
      asked.push(names);
      return here.control.looks.filter(({ node }) => names.includes(node));
    };
    expect(asText(await ask(here, 'verify eu-west'))).toContain('✓ All 3 nodes are right');
    expect(asText(await ask(here, 'verify ap-south-op-3'))).toContain('✓ ap-south-op-3 is right');
    expect(asked).toEqual([['eu-west-op-1', 'eu-west-op-2', 'eu-west-op-3'], ['ap-south-op-3']]);
    const reply = await ask(here, 'verify mars');
    expect([reply.outcome, asText(reply)]).toEqual([
      'refused',
      expect.stringContaining('There is no node or region mars.'),
    ]);
  });

  it('has no table, and no word of checks, where nothing is asked', async () => {
    const fleet = trialFleet();
    const reply = await runCommand(trial({ fleet, looks: surveyOf(fleet) }).context, 'U0LU', 'verify');
    expect(asText(reply)).not.toMatch(/check|asked of them/);
    expect(reply.facts?.checks).toEqual([]);
  });

  it('calls nothing right that is to be asked, and that a worker of other settings did not ask', async () => {
    const get: Check = {
      ...{ kind: 'get', name: 'ready', urls: {}, status: 200, that: null, at: ['verify'], absent: 'bad' },
      ...{ onBad: 'hold', within: 1_000 },
    };
    const fleet = { ...trialFleet(), checks: [get] };
    const name = 'eu-west-op-2';
    const all = fleet.regions.flatMap((region) => region.nodes.map((node) => node.name));
    const each = (node: string) => ({
      version: 'v2.0.0',
      sha256: newImage,
      checks: node === name ? [] : [result(node, 'ready')],
    });
    const looks = surveyOf(fleet, Object.fromEntries(all.map((node) => [node, each(node)])));
    const reply = await ask(trial({ fleet, looks }), 'verify');
    expect([reply.outcome, reply.facts?.right]).toEqual(['wrong', false]);
    expect(asText(reply)).toContain(`✗ ${name}: ready is unknown: its worker did not ask`);
    expect(reply.facts?.checks).toContainEqual(expect.objectContaining({ node: name, check: 'ready', is: 'unknown' }));
    const silent = looks.map((seen) =>
      seen.node === name ? { ...seen, unanswered: true as const, unit: null } : seen,
    );
    expect(asText(await ask(trial({ fleet, looks: silent }), 'verify'))).not.toContain('did not ask');
  });

  it('shows of a large fleet the rows in which something is not good', async () => {
    const here = where({});
    const seen = here.control.looks[0] as NodeSurvey;
    here.control.looks = Array.from({ length: 200 }, (_, at) => ({
      ...seen,
      node: `op-${at}`,
      checks: [result(`op-${at}`, 'ready', at === 7 ? 'watch' : 'good')],
    }));
    const text = asText(await ask(here, 'verify'));
    expect(text).toMatch(/^op-7 +watch *$/m);
    expect(text).not.toMatch(/^op-8 +good *$/m);
    expect(text).toContain('199 other nodes not shown');
  });

  it('cannot be made to call anybody by what a host says', async () => {
    const name = 'eu-west-op-2';
    const says = '<!channel> `x` <@U0ROSA>';
    const { parts } = await ask(where({ [name]: [result(name, 'errors', 'bad', { says })] }), 'verify');
    const text = JSON.stringify(message(parts, 't'));
    expect(text).toContain('errors is bad');
    expect(text).not.toMatch(/<!channel>|<@U0ROSA>/);
  });
});

it('a plan says what is bad before anything is done, so that nobody takes it for the fault of the release', async () => {
  const fleet = trialFleet();
  const name = 'us-east-op-2';
  const checks = [result(name, 'ready'), result(name, 'errors', 'bad'), result(name, 'nodes', 'unknown')];
  const here = trial({ fleet, looks: surveyOf(fleet, { [name]: { checks } }) });
  const reply = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
  const words = 'before anything is done, so not because of this release';
  expect(asText(reply)).toContain(`‼ ${name}: errors is bad: so it is with errors: ${words}`);
  expect(reply.facts?.warnings).toEqual([
    {
      node: name,
      words: [`errors is bad: so it is with errors: ${words}`, `nodes is unknown: so it is with nodes: ${words}`],
    },
  ]);
});
