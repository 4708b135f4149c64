import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createInventory } from '../../../src/upgrade/http/index.ts';
import { listening } from '../../support/listening.ts';

const { listen, closeAll } = listening();
afterEach(closeAll);

const answering =
  (body: string, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body);

async function agentsIn(body: string, select: string, status = 200) {
  const base = await listen(createServer(answering(body, status)));
  return (await createInventory({ agents: { urls: { 'op-1': base }, select }, schema: null })('op-1')).agents;
}
async function schemaIn(body: string, select: string) {
  const base = await listen(createServer(answering(body)));
  return (await createInventory({ agents: null, schema: { urls: { 'op-1': base }, select } })('op-1')).schema;
}
const listed = JSON.stringify([
  { hostname: 'eu-7', agent_version: 'v1.0.4' },
  { hostname: 'eu-8', agent_version: '1.1.2' },
  { hostname: 'eu-9', agent_version: 'v1.1.2' },
]);

const many = JSON.stringify(Array.from({ length: 200 }, (_, at) => `v1.0.${at}`));

describe('agents', () => {
  it('are listed by version, with names where the settings select them', async () => {
    expect(await agentsIn(listed, '[].{name: hostname, version: agent_version}')).toEqual({
      is: 'told',
      what: {
        listed: true,
        groups: [
          { version: 'v1.0.4', count: 1, names: ['eu-7'] },
          { version: 'v1.1.2', count: 2, names: ['eu-8', 'eu-9'] },
        ],
      },
    });
    expect(await agentsIn(listed, '[].agent_version')).toMatchObject({
      what: { groups: [{ version: 'v1.0.4', names: [] }, { count: 2 }] },
    });
  });

  it('tell of themselves where the answer is one version', async () => {
    expect(await agentsIn('{"agent":{"version":"1.1.0"}}', 'agent.version')).toEqual({
      is: 'told',
      what: { listed: false, groups: [{ version: 'v1.1.0', count: 1, names: [] }] },
    });
  });

  it('of which one tells no version are known to be unknown', async () => {
    const some = '[{"v":"v1.1.0"},{"v":null},{"v":7},{"v":"latest"}]';
    expect(await agentsIn(some, '[].{version: v}')).toMatchObject({
      what: {
        groups: [
          { version: 'v1.1.0', count: 1 },
          { version: null, count: 3 },
        ],
      },
    });
  });

  it.each([
    ['it has no versions', '{}', 'agents', 200, 'its answer has no versions of agents there'],
    ['it has no version', '{"agent":"latest"}', 'agent', 200, 'its answer has no version of an agent there'],
    ['it lists none', '[]', '[].agent_version', 200, 'its answer lists no agents'],
    ['it is no JSON', '<html>', '[]', 200, 'it did not answer with JSON'],
    ['it is no success', listed, '[]', 503, 'it answered 503'],
    [
      'the expression breaks',
      listed,
      'nothing(@)',
      200,
      'nothing(@) cannot be found in its answer: Unknown function: nothing()',
    ],
    ['it has no end of versions', many, '[]', 200, 'its answer has more than 100 versions of agents'],
    ['it is too large', `["${'x'.repeat(1_100_000)}"]`, '[]', 200, 'the answer is larger than 1024 kB'],
  ])('are unknown where %s', async (_, body, select, status, reason) => {
    expect(await agentsIn(body, select, status)).toEqual({ is: 'unknown', reason });
  });

  it('are unknown where nothing listens, and where no address is known', async () => {
    const ask = createInventory({ agents: { urls: { 'op-1': 'http://127.0.0.1:1/' }, select: '[]' }, schema: null });
    expect(await ask('op-1')).toMatchObject({ agents: { is: 'unknown', reason: expect.stringContaining('refused') } });
    expect(await ask('toString')).toMatchObject({ agents: { reason: 'no address is configured for toString' } });
  });

  it.each(['a', '', '\u200b'])('hold up nothing else, however many call themselves %j', async (name) => {
    const body = `[${Array(40_000).fill(JSON.stringify({ name })).join(',')}]`;
    await agentsIn('[]', '@');
    // Time of this process alone: the machine may be busy.
    const from = process.cpuUsage();
    expect(await agentsIn(body, '@')).toMatchObject({ what: { groups: [{ version: null, count: 40_000 }] } });
    expect(process.cpuUsage(from).user / 1_000).toBeLessThan(250);
  });

  it('call nobody in the chat, and show no secret', async () => {
    const body = JSON.stringify([
      { n: 'U012AB3CD', v: '1.0.0-U012AB3CD' },
      { n: 'password=hunter2hunter2\u001b[2J', v: '1.0.0' },
    ]);
    const said = JSON.stringify(await agentsIn(body, '[].{name: n, version: v}'));
    expect(said).not.toMatch(/U012AB3CD|hunter2|\u001b/);
    expect(said).toContain('u012ab3cd');
  });
});

describe('the schema', () => {
  it.each([
    ['{"version":2}', 'version', 2],
    ['{"version":"20260101120000"}', 'version', 20_260_101_120_000],
    ['[{"v":1},{"v":3},{"v":2}]', 'max([].v)', 3],
  ])('is read from %s by %s', async (body, select, wanted) => {
    expect(await schemaIn(body, select)).toEqual({ is: 'told', what: wanted });
  });

  it.each(['{"version":null}', '{"version":-1}', '{"version":1.5}', '{"version":"two"}', '{"version":[2]}'])(
    'is unknown in %s',
    async (body) => {
      const reason = 'its answer has no version of the schema there';
      expect(await schemaIn(body, 'version')).toEqual({ is: 'unknown', reason });
    },
  );
});

it('asks nobody where the settings name nobody', async () => {
  expect(await createInventory(null)('op-1')).toEqual({});
});
