import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../../src/upgrade/checks/types.ts';
import { noRules, wantsNothing } from '../../../src/upgrade/environment/index.ts';
import { read } from '../../../src/upgrade/host/answer.ts';
import {
  beside as bringBeside,
  checkBackup,
  compareEnvironment,
  configure,
  gather,
  restart,
  retire,
  stageEnvironment,
} from '../../../src/upgrade/host/commands.ts';
import {
  createChecks,
  diagnoseNode,
  resolverFor,
  seeEnvironment,
  surveyForWork,
  surveyNode,
} from '../../../src/upgrade/host/index.ts';
import { reportOf } from '../../../src/upgrade/host/reports.ts';
import { verbs } from '../../../src/upgrade/host/verbs.ts';
import { createProbe, fetchOnce } from '../../../src/upgrade/http/index.ts';
import type { Probe } from '../../../src/upgrade/http/types.ts';
import { plan } from '../../../src/upgrade/rollout/index.ts';
import type { NodeRun, NodeSurvey, StepName } from '../../../src/upgrade/rollout/types.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Command, Shell } from '../../../src/upgrade/ssh/types.ts';
import { findWayBack } from '../../../src/upgrade/steps/come-back.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import { fromPeer } from '../../../src/upgrade/steps/peer.ts';
import { tidyNode } from '../../../src/upgrade/steps/tidy.ts';
import type { StepContext } from '../../../src/upgrade/steps/types.ts';
import { random } from '../../support/random.ts';
import { fleetOf, inputOf, surveyOf } from '../../support/rollouts.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';
import { before, nodeRun, policy, rollout, service } from '../steps/support.ts';
import { quickClock, Trial } from '../steps/trial.ts';

/** What a host may put into one field of an answer. */
const fields = [
  'v1.2.3.4',
  `9.9.9-${'9.'.repeat(2_000)}9`,
  '9'.repeat(300),
  `-${'9'.repeat(300)}`,
  '1e400 NaN -0 0x10',
  'TOKEN'.repeat(1_000),
  'TOKEN="\\'.repeat(500),
  '{"a":['.repeat(600),
  `\u001b[2J\u001b]0;${'t'.repeat(900)}`,
  `a\0b\0${'\0'.repeat(900)}`,
  Buffer.from([0xff, 0xfe, 0x80, 0xc0]).toString('latin1').repeat(400),
  '\u200b\u202e'.repeat(900),
  '-----BEGIN PRIVATE KEY-----'.repeat(100),
  '../../etc/shadow $(reboot) `id` ; rm -rf /',
  '__proto__ constructor toString',
  '',
  ' '.repeat(3_000),
  'sudo:'.repeat(800),
];

const { binarySha256 } = { binarySha256: 'b'.repeat(64) };
/** What a host says when it is well, by key: a fuzzer that never gets past the first look finds nothing. */
const sane: Record<string, string[]> = {
  unit: ['LoadState=loaded', 'MainPID=7', 'ActiveState=active', 'InvocationID=run-7', 'NRestarts=0'],
  image: [before.sha256, binarySha256],
  disk: [before.sha256, binarySha256],
  env: [before.envSha256],
  staged: [binarySha256],
  machine: ['x86_64'],
  writable: ['yes'],
  space: ['home 1 999999 4096 999 999', 'binary 1 999999 4096 999 999', 'state 1 999999 4096 999 999'],
  version: ['zeitwork-operator v1.0.0', 'exit 0'],
  link: ['env /x'],
  header: ['7f454c46'],
  journal: ['2026-11-22T23:35:22+0000 n op[1]: level=FATAL msg="no table"'],
  listens: ['LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:(("nginx",pid=612,fd=6))'],
  file: ['-rwxr-xr-x 1 root root 1 Nov 22 23:35 /usr/local/bin/zeitwork-operator'],
  executable: ['yes'],
  missing: ['flock'],
  lacking: ['haproxy'],
  clock: ['1764000000.5'],
  held: ['7'],
  backup: [`v1.0.0-x ${before.sha256} ${before.envSha256} v1.0.0`],
  return: ['v1.0.0-x aGVsbG8= aGVsbG8='],
  traffic: ['exit 0'],
  did: ['renamed'],
};
/** Of these a well host says nothing. */
const seldom = ['link', 'missing', 'lacking', 'did'];

interface Saying {
  name: string;
  stdout: string;
  stderr: string;
  code: number;
  health: string;
}

/** A seeded answer that is well framed; `odd`: how many of its fields are not. */
function framed(seed: number, odd: number, without = ''): Saying {
  const next = random(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const lines = Object.entries(sane).flatMap(([key, values]) => {
    if (next() < odd) return Array.from({ length: 1 + Math.floor(next() * 2) }, () => `${key} ${one(fields)}`);
    if (seldom.includes(key) || key === without) return [];
    const many = ['unit', 'space', 'version'].includes(key);
    return many ? values.map((value) => `${key} ${value}`) : [`${key} ${odd === 0 ? values[0] : one(values)}`];
  });
  const refused =
    next() < odd / 2
      ? [`refused ${one(['drift', 'fenced', 'link', 'busy', '__proto__', one(fields)])} ${one(fields)}`]
      : [];
  return {
    name: `framed, seed ${seed}`,
    stdout: `${[...lines, ...refused, 'end ok'].map((line) => `@@zw ${line}\n`).join('')}`,
    stderr: '',
    code: refused.length > 0 ? 70 : 0,
    health: JSON.stringify({
      status: next() < 0.5 ? 'healthy' : one(fields),
      version: one(fields),
      hostname: one(fields),
    }),
  };
}

const kilobytes = (part: string, count: number) =>
  part.repeat(Math.ceil((count * 1024) / part.length)).slice(0, count * 1024);

const sayings: Saying[] = [
  // Two that are well: what a node is asked next depends on what it said before.
  framed(1, 0, 'staged'),
  framed(2, 0),
  ...[0.1, 0.3, 0.6].map((odd, seed) => framed(seed + 3, odd)),
  {
    name: 'random bytes',
    ...{
      stdout: String.fromCharCode(
        ...Array.from(
          { length: 60_000 },
          (
            (next) => () =>
              next() * 256
          )(random(7)),
        ),
      ),
      stderr: '',
    },
    ...{ code: 1, health: kilobytes('{"a":[', 60) },
  },
  ...['TOKEN', 'sudo:'].flatMap((part) => [
    {
      name: `a complaint of ${part}`,
      stdout: '',
      stderr: kilobytes(part, 60),
      code: 1,
      health: `{"status":"${kilobytes('TOKEN', 50)}"}`,
    },
    {
      name: `256 kB of ${part}`,
      stdout: `@@zw version ${kilobytes(part, 256)}\n@@zw end ok\n`,
      stderr: kilobytes(part, 256),
      code: 1,
      health: kilobytes(part, 200),
    },
  ]),
];

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** What a step of the other node takes: on a node of its own, over real SSH, and beside whatever the first one answers. */
class OverSsh extends Trial {
  readonly #door: Shell;

  constructor(shell: Shell) {
    super();
    const { node } = this;
    const moved = (command: Command): Command => ({
      ...command,
      sudo: false,
      args: command.args.map(node.move),
      script: `cd ${node.path('home')}; PATH=${node.path('bin')}:$PATH\n${node.move(command.script)}`,
    });
    this.#door = {
      run: (_, command, signal) => shell.run('other', moved(command), signal),
      put: (_, path, remote, signal) => shell.put('other', path, join(node.path('home'), remote), signal),
      close: () => shell.close(),
    };
  }

  override context(): StepContext {
    return { ...super.context(), shell: this.#door };
  }
}

const way: StepName[] = ['stage', 'backup', 'switch', 'cleanup'];

describe('the work on a node beside one that answers with anything at all', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'zeitwork-beside-'));
  const answered = new Map<string, number>();
  let said: Saying = framed(0, 0);
  let [first, second]: Sshd[] = [];
  let shell: Shell;
  let health: Server;
  let probe: Probe;
  let counting: Shell;

  const say = (saying: Saying) => {
    said = saying;
    for (const name of ['stdout', 'stderr', 'code'] as const)
      writeFileSync(join(folder, name), `${saying[name]}`, 'latin1');
  };

  beforeAll(async () => {
    say(said);
    // A helper's request ends before its answer begins; SFTP, too, is answered by this.
    const answer = `cat ${folder}/stdout; cat ${folder}/stderr >&2; exit $(cat ${folder}/code)`;
    first = await startSshd({ config: [`ForceCommand ${answer}`] });
    second = await startSshd();
    shell = createShell(
      {
        fuzzed: first.host(),
        helped: first.host({ name: 'helped', become: 'helper' }),
        other: second.host({ name: 'other' }),
      },
      { stallMs: 3_000, deadlineGraceMs: 1_000 },
    );
    counting = {
      ...shell,
      async run(node, command, signal) {
        const outcome = await shell.run(node, command, signal);
        if (outcome.is === 'exited') answered.set(command.name, (answered.get(command.name) ?? 0) + 1);
        return outcome;
      },
    };
    health = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n${said.health}`);
    }).listen(0, '127.0.0.1');
    await once(health, 'listening');
    const address = health.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = `http://127.0.0.1:${address.port}/health`;
    probe = createProbe({ fuzzed: url, helped: url });
  });
  afterAll(async () => {
    await shell.close();
    await first?.stop();
    await second?.stop();
    health.close();
    rmSync(folder, { recursive: true });
  });

  /** How long each step took, ms. */
  const work = async (): Promise<Map<StepName, number>> => {
    const trial = new OverSsh(shell);
    const took = new Map<StepName, number>();
    for (const step of way) {
      const from = performance.now();
      expect([step, await trial.go(step)]).toMatchObject([step, { is: 'succeeded' }]);
      took.set(step, performance.now() - from);
    }
    await trial.close();
    return took;
  };

  const fuzzedService = { ...service, traffic: { drain: ['out'], undrain: ['in'], limit: 1_000 } };
  const quick = {
    ...policy,
    commandTimeout: 5_000,
    transferTimeout: 5_000,
    healthDeadline: 100,
    soak: 50,
    canarySoak: 50,
    pollMax: 25,
  };
  const usual = { at: ['verify'] as const, absent: 'bad' as const, onBad: 'hold' as const, within: 1_000 };
  const limits = { watch: null, bad: 1 };
  const checks: Check[] = [
    { ...usual, ...limits, kind: 'journal', name: 'log', priority: 'err', over: 60_000 },
    { ...usual, kind: 'database', name: 'database', key: 'DATABASE_URL', query: 'select 1', that: null },
    { ...usual, kind: 'command', name: 'disk', command: ['/usr/local/bin/df-check'] },
  ];
  const fresh: Partial<NodeRun> = {};
  const touched: Partial<NodeRun> = { before, touched: true, drained: true };

  /** All that is ever asked of a node. Returns what it was seen as; whatever is thrown is a fault of ours. */
  const askEverything = async (node: string, archive: string): Promise<NodeSurvey[]> => {
    const signal = new AbortController().signal;
    const clock = quickClock();
    const plan = rollout({ policy: quick, service: fuzzedService });
    const parts = {
      service: fuzzedService,
      shell: counting,
      probe,
      now: Date.now,
      helper: () => (node === 'helped' ? { script: 'a' } : null),
    };
    const seen = await Promise.all([
      surveyNode(node, 'ap-south', fuzzedService, counting, probe, clock, 5_000),
      surveyForWork(node, 'ap-south', parts, 5_000),
    ]);
    await diagnoseNode(node, fuzzedService, counting, probe, 5_000);
    const fleet = { ...fleetOf(), policy: quick, service: fuzzedService };
    await findWayBack({ fleet, node: { name: node, region: 'ap-south' }, shell: counting, probe, clock, signal });
    // Asked only where two answers of one node contradict one another.
    const outcome = await counting.run(node, checkBackup(plan.service, before, plan.policy.commandTimeout));
    const kept = read(outcome);
    if (kept.is !== 'ok') reportOf(kept, 'retry');
    if (node !== 'helped') {
      const turn = { rollout: plan, node: nodeRun({ name: node }), attempt: 1 };
      const gathered = read(await counting.run(node, gather(turn, before, null, null)));
      if (gathered.is !== 'ok') reportOf(gathered, 'retry');
      const here = { ...turn, shell: counting, probe, clock, signal };
      const anew = read(await counting.run(node, restart(turn, before)));
      if (anew.is !== 'ok') reportOf(anew, 'retry');
      const wanted = { ...wantsNothing, set: { LOG_LEVEL: 'info' } };
      const how = { wanted, resolve: resolverFor(noRules, () => ({ refused: 'no file' })), rules: noRules };
      await seeEnvironment(node, how, fuzzedService, counting, 5_000, signal);
      const [is, becomes] = [before.envSha256 ?? '', 'd'.repeat(64)];
      const slots = {
        ...{ port: 8081, unit: 'green', binary: '/usr/local/bin/green', envFile: '/etc/zeitwork/green.env' },
        ...{ set: {}, server: '{name}-green', warm: 0 },
      };
      const second = { ...turn, rollout: { ...plan, service: { ...fuzzedService, slots } } };
      for (const command of [
        bringBeside(second),
        retire(second),
        stageEnvironment(turn, is, becomes, 'upload'),
        configure(turn, before, becomes),
        compareEnvironment(fuzzedService, 'upload', 5_000),
      ]) {
        const told = read(await counting.run(node, command));
        if (told.is !== 'ok') reportOf(told, 'retry');
      }
      await tidyNode({ ...here, node: { name: node, before } }, before, { stable: 86_400_000, keep: 2 });
      const rest = { archive: async () => archive, withdrawn: () => null, gates: async () => [] };
      expect(await fromPeer({ ...here, ...rest }, node)).not.toBeNull();
    }
    const database = async () => ({ is: 'silent' as const, detail: 'nobody is there' });
    const common = { service: fuzzedService, shell: counting, probe, fetch: fetchOnce, database, clock };
    const results = await createChecks({ checks, ...common })(node, 'all', signal);
    expect(results).toHaveLength(checks.length);
    const all = Object.keys(steps) as StepName[];
    const asked: [Partial<NodeRun>, StepName[]][] =
      node === 'helped'
        ? [[fresh, ['stage']]]
        : [
            [fresh, ['stage']],
            [touched, all],
          ];
    for (const [state, names] of asked) {
      const run = nodeRun({ name: node, ...state });
      const context = { rollout: plan, node: run, attempt: 1, shell: counting, probe, clock, signal };
      await Promise.all(
        names.map((name) =>
          steps[name]({ ...context, archive: async () => archive, withdrawn: () => null, gates: async () => [] }),
        ),
      );
    }
    return seen;
  };

  it('takes at most a second longer, is asked everything, and keeps no other region from being planned', async () => {
    const alone: Map<StepName, number>[] = [];
    const beside: Map<StepName, number>[] = [];
    const seen: NodeSurvey[] = [];
    const archive = first?.knownHostsFile ?? '';
    await work();
    for (let at = 0; at < sayings.length; at += 3) {
      alone.push(await work());
      let over = false;
      const fuzzing = (async () => {
        for (const saying of sayings.slice(at, at + 3)) {
          say(saying);
          const both = ['fuzzed', 'helped'].map((node) => askEverything(node, archive));
          for (const each of await Promise.all(both)) seen.push(...each);
        }
      })().finally(() => {
        over = true;
      });
      do beside.push(await work());
      while (!over);
      await fuzzing;
    }
    for (const step of way) {
      const of = (times: Map<StepName, number>[]) => median(times.map((took) => took.get(step) ?? Number.NaN));
      expect([step, of(beside) - of(alone)]).toEqual([step, expect.toSatisfy((more: number) => more < 1_000)]);
    }
    const lacking = Object.keys(verbs).filter((name) => !answered.has(name));
    expect(lacking).toEqual([]);

    const fleet = fleetOf();
    expect(seen.length).toBe(4 * sayings.length);
    for (const survey of seen) {
      const node = 'ap-south-op-1';
      const planned = plan(
        inputOf(fleet, { regions: ['us-east', 'eu-west'], survey: surveyOf(fleet, { [node]: { ...survey, node } }) }),
      );
      expect(Object.keys(planned.nodes)).toHaveLength(6);
    }
  });
});
