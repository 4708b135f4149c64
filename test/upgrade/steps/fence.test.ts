import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as commands from '../../../src/upgrade/host/commands.ts';
import type { Outcome } from '../../../src/upgrade/ssh/types.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import type { StepContext } from '../../../src/upgrade/steps/types.ts';
import { build, sha256 } from './little-node.ts';
import { service } from './support.ts';
import { backups, binary, oldState, state, Trial } from './trial.ts';

const wide = (...numbers: number[]) => `${numbers.map((number) => String(number).padStart(20, '0')).join(' ')}\n`;
const failure = (reason: RegExp, retry = false) => ({ is: 'failed', retry, reason: expect.stringMatching(reason) });
const fenced = { code: 76, stdout: expect.stringMatching(/^@@zw refused fenced /) };
const told = { code: 0, stdout: expect.stringMatching(/^@@zw end ok$/m) };

describe('the lock and the fence on a node', () => {
  let trial: Trial;
  beforeEach(() => {
    trial = new Trial();
  });
  afterEach(() => trial.close());

  /** The look that raises the fence, for another unit or with other numbers. */
  const knock = (epoch: number, attempt: number, unit = service.unit): Promise<Outcome> =>
    trial.node.run(
      '',
      commands.lookUnderLock({ rollout: { ...trial.plan, epoch, service: { ...service, unit } }, attempt }),
    );
  const holding = (lock: string) =>
    trial.node.exec(`mkdir -p $(dirname ${lock}); (exec 9>>${lock}; flock -n 9; sleep 2) >/dev/null 2>&1 & sleep 0.2`);

  it('are of one unit: a sibling with a higher number and a held lock is nobody’s concern', async () => {
    expect(await knock(99, 9, 'zeitwork-agent')).toMatchObject(told);
    holding(`${oldState}/zeitwork-agent/lock`);
    expect(await knock(99, 9, 'zeitwork-agent')).toMatchObject({ code: 75 });
    expect(await trial.go('stage', 'backup', 'switch', 'verify')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(`${oldState}/zeitwork-agent/epoch`)).toBe(wide(99, 9));
    expect(trial.node.read(`${state}/epoch`)).toBe(wide(7, 3));
  });

  const table: [string | null, number, number, boolean, string][] = [
    [null, 7, 1, true, wide(7, 1)],
    [wide(7, 3), 7, 3, true, wide(7, 3)],
    [wide(7, 3), 7, 4, true, wide(7, 4)],
    [wide(7, 3), 8, 1, true, wide(8, 1)],
    [wide(7, 3), 7, 2, false, wide(7, 3)],
    [wide(7, 3), 6, 9, false, wide(7, 3)],
    [wide(7), 7, 1, true, wide(7, 1)],
    ['0\n', 7, 1, true, wide(7, 1)],
    [wide(8), 7, 9, false, wide(8)],
    ['12', 12, 0, true, '12'],
  ];
  it.each(table)('with %j on it let run %i, try %i pass: %s', async (file, epoch, attempt, passes, after) => {
    await knock(0, 0);
    if (file === null) trial.node.exec(`rm -f ${state}/epoch`);
    else trial.node.write(`${state}/epoch`, file);
    expect(await knock(epoch, attempt)).toMatchObject(passes ? told : fenced);
    expect(trial.node.read(`${state}/epoch`)).toBe(after);
  });

  it('let every look tell which run was here last, and none where that is damaged', async () => {
    const looks = [commands.glance(service, 9_000), commands.observe(service, 9_000)];
    const held = async () =>
      Promise.all(
        looks.map(async (command) => {
          const { stdout } = (await trial.node.run('', command)) as { stdout: string };
          expect(stdout).toMatch(/^@@zw end ok$/m);
          return /^@@zw held (\d+)$/m.exec(stdout)?.[1] ?? null;
        }),
      );
    expect(await held()).toEqual(['0', '0']);
    await knock(41, 2);
    expect((await held()).map(Number)).toEqual([41, 41]);
    trial.node.write(`${state}/epoch`, 'x\n');
    expect(await held()).toEqual([null, null]);
  });

  it.each(['', 'x\n', '7 x\n', '7 8 9\n', '-7 1\n'])('refuse %j as damaged', async (file) => {
    await knock(0, 0);
    trial.node.write(`${state}/epoch`, file);
    expect(await knock(7, 1)).toMatchObject({ code: 70, stdout: expect.stringMatching(/refused epoch .*\/epoch/) });
    expect(trial.node.read(`${state}/epoch`)).toBe(file);
  });

  it('are raised in place, so that a full disk is no hindrance', async () => {
    await knock(7, 1);
    const inode = trial.node.exec(`stat -c %i ${state}/epoch`);
    await knock(8, 12);
    expect(trial.node.read(`${state}/epoch`)).toBe(wide(8, 12));
    expect(trial.node.exec(`stat -c %i ${state}/epoch`)).toBe(inode);
  });

  it('say that flock is missing, not that the node is busy', async () => {
    trial.node.write('bin/flock', '#!/bin/sh\nexit 127\n', 0o755);
    expect(await trial.go('stage')).toMatchObject(failure(/^flock is not installed on the node \(util-linux\)$/));
  });

  it('keep out an older try whose switch comes late, after another try found nothing to restore', async () => {
    await trial.go('stage', 'backup');
    if (trial.run.before === null) throw new Error('not staged');
    const late = commands.switchOver(trial.context(), trial.run.before);
    trial.run = { ...trial.run, attempt: trial.run.attempt + 1, touched: true };
    expect(await trial.go('restore')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.commands).not.toContain('restore');
    const before = trial.node.snapshot();
    expect(await trial.node.run('', late)).toMatchObject(fenced);
    expect(trial.node.snapshot()).toBe(before);
    expect(trial.node.restarts()).toBe(0);
  });

  it('keep it out as well after another try was stopped by a gate', async () => {
    await trial.go('stage', 'backup');
    if (trial.run.before === null) throw new Error('not staged');
    const late = commands.switchOver(trial.context(), trial.run.before);
    trial.run = { ...trial.run, attempt: trial.run.attempt + 1 };
    trial.gates = [{ name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null }];
    expect(await trial.go('switch')).toMatchObject({ is: 'gated', unchanged: true });
    expect(await trial.node.run('', late)).toMatchObject(fenced);
    expect(trial.node.restarts()).toBe(0);
  });

  it('name the newer try', async () => {
    await trial.go('stage', 'backup');
    trial.run = { ...trial.run, attempt: 1 };
    expect(await trial.go('switch')).toMatchObject(
      failure(/^a newer try of this run owns this node \(its number is 2\)$/),
    );
  });

  it('are not touched by looks that change nothing', async () => {
    await trial.go('stage', 'backup', 'switch', 'verify');
    expect(trial.node.read(`${state}/epoch`)).toBe(wide(7, 3));
  });

  describe('on a node that an older version of this program worked on', () => {
    it('are taken in the old place as well', async () => {
      holding(`${oldState}/lock`);
      expect(await knock(7, 1)).toMatchObject({ code: 75 });
      await wait(2_200);
      expect(await knock(7, 1)).toMatchObject(told);
    });

    it.each([
      ['a lower number', wide(5), wide(7)],
      ['a lower one of another width', '5\n', wide(7)],
      ['a higher one, which may be a sibling’s', wide(9), wide(9)],
      ['a damaged one', 'x\n', 'x\n'],
    ])('raise %s there and do not obey it', async (_, before, after) => {
      trial.node.write(`${oldState}/lock`, '');
      trial.node.write(`${oldState}/epoch`, before);
      expect(await knock(7, 1)).toMatchObject(told);
      expect(trial.node.read(`${oldState}/epoch`)).toBe(after);
      expect(trial.node.read(`${state}/epoch`)).toBe(wide(7, 1));
    });

    it('leave nothing there where nothing was', async () => {
      await trial.go('stage', 'backup', 'switch', 'verify', 'cleanup');
      expect(trial.node.exec(`ls -A ${oldState}`)).toBe('zeitwork-operator\n');
    });

    it('find the backup that it made, and go back to it', async () => {
      await trial.go('stage', 'backup', 'switch', 'verify');
      trial.node.exec(`mv ${backups} ${oldState}/backups`);
      expect(await trial.go('backup', 'restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
      expect(trial.node.read(binary)).toBe(build('v1.0.0'));
      expect(trial.node.has(backups)).toBe(false);
    });
  });
});

describe('a way back that nobody signed', () => {
  let trial: Trial;
  beforeEach(async () => {
    trial = new Trial();
    await trial.go('stage', 'backup', 'switch', 'verify');
    trial.plan = { ...trial.plan, onlyBack: true };
  });
  afterEach(() => trial.close());

  it('leads to the newest backup on the node', async () => {
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v1.0.0'));
  });

  it('leads there too when a version before 0.2 made it', async () => {
    trial.node.exec(`mv ${backups} ${oldState}/backups`);
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
  });

  it('to any other leads nowhere: whoever wrote it may not choose', async () => {
    const { before } = trial.run;
    if (before === null) throw new Error('nothing was recorded');
    const newer = `${backups}/v1.9.0-${'9'.repeat(12)}-noenv`;
    trial.node.exec(
      `mkdir ${newer}; printf 'version v1.9.0\\nbinary ${'9'.repeat(64)} root:root 755\\nenv - -\\n' >${newer}/manifest`,
    );
    trial.node.exec(`touch -d '1 hour' ${newer}`);
    const was = trial.node.snapshot();
    expect(await trial.go('restore')).toEqual(
      expect.objectContaining(
        failure(/nobody signed where this goes back to, v1\.0\.0, and the newest backup on the node is v1\.9\.0-/),
      ),
    );
    expect(trial.node.snapshot()).toBe(was);
    trial.plan = { ...trial.plan, onlyBack: undefined as never };
    expect(await trial.go('restore')).toMatchObject({ is: 'succeeded' });
  });
});

describe('what a step saw when it asks for the gates', () => {
  let trial: Trial;
  beforeEach(async () => {
    trial = new Trial();
    await trial.go('stage', 'backup');
    trial.gates = [{ name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null }];
  });
  afterEach(() => trial.close());

  const stopService = () => trial.node.exec('rm -r proc/$(cat pid); echo 0 >pid');

  const states: [string, 'switch' | 'restore', () => void, { down: boolean; unchanged: boolean }][] = [
    ['untouched', 'switch', () => {}, { down: false, unchanged: true }],
    ['down, its file untouched', 'switch', stopService, { down: true, unchanged: true }],
    [
      'switched without a restart',
      'switch',
      () => trial.node.write(binary, build('v2.0.0'), 0o755),
      { down: false, unchanged: false },
    ],
    [
      'switched and down',
      'switch',
      () => {
        trial.node.write(binary, build('v2.0.0'), 0o755);
        stopService();
      },
      { down: true, unchanged: false },
    ],
    ['not restored yet', 'restore', () => {}, { down: false, unchanged: true }],
    [
      'restored without a restart',
      'restore',
      () => trial.node.write(binary, build('v1.0.0'), 0o755),
      { down: false, unchanged: false },
    ],
  ];
  it.each(states)('is of a node that is %s (%s)', async (_, name, make, sight) => {
    if (name === 'restore')
      trial.node.exec('f=$(ls usr/local/bin/*.staged); mv $f usr/local/bin/zeitwork-operator; systemctl restart x');
    make();
    expect(await trial.go(name)).toMatchObject({ is: 'gated', unchanged: sight.unchanged });
    expect(trial.sights).toEqual([sight]);
  });

  it('is seen again when the gates took longer than their evidence is good for', async () => {
    trial.gates = [];
    let asked = 0;
    const slow = { ...trial.context() };
    slow.gates = async () => {
      asked += 1;
      if (asked < 3) await trial.clock.sleep(5_001);
      return [];
    };
    trial.plan = { ...trial.plan, policy: { ...trial.plan.policy, commandTimeout: 30_000 } };
    expect(await steps.switch({ ...slow, rollout: trial.plan })).toMatchObject({ is: 'succeeded' });
    expect(asked).toBe(3);
    expect(trial.node.commands.filter((name) => name === 'look under lock')).toHaveLength(3);
    expect(trial.node.restarts()).toBe(1);
  });

  it('is sent with what is left of its time, and no later', async () => {
    trial.gates = [];
    const limits: (number | undefined)[] = [];
    trial.node.onCommand = ({ name, sendWithinMs }) => {
      if (name === 'switch') limits.push(sendWithinMs);
    };
    await trial.go('switch');
    expect(limits).toHaveLength(1);
    // Half a second for what the gates read last, and no effect later than 2 s after a pause.
    expect(limits[0]).toBeLessThanOrEqual(1_400);
  });

  it('is asked about anew when connecting took so long that somebody may have decided something', async () => {
    trial.gates = [];
    let connecting = 2;
    const context = trial.context();
    const slowly: StepContext = {
      ...context,
      shell: {
        ...context.shell,
        run: async (node, command, signal) => {
          if (command.name !== 'switch' || connecting-- <= 0) return context.shell.run(node, command, signal);
          await trial.clock.sleep(command.sendWithinMs ?? 0);
          return { is: 'unreachable', reason: 'no session within 1.4 s' };
        },
      },
    };
    let asked = 0;
    slowly.gates = async () => {
      asked += 1;
      return asked < 3 ? [] : [{ name: 'pause', reason: 'it is paused', owner: 'rosa', opensAt: null }];
    };
    trial.plan = { ...trial.plan, policy: { ...trial.plan.policy, commandTimeout: 30_000 } };
    expect(await steps.switch({ ...slowly, rollout: trial.plan })).toMatchObject({ is: 'gated', unchanged: true });
    expect(asked).toBe(3);
    expect(trial.node.restarts()).toBe(0);
  });

  it('is never acted on when it is always too old, and that ends', async () => {
    const context = trial.context();
    const slow = async () => {
      await trial.clock.sleep(5_001);
      return [];
    };
    expect(await steps.switch({ ...context, gates: slow })).toMatchObject(failure(/too old to stop a service/, true));
    expect(trial.node.restarts()).toBe(0);
    trial.node.write(binary, build('v2.0.0'), 0o755);
    expect(await steps.switch({ ...context, gates: slow })).toMatchObject({ is: 'unknown' });
    expect(trial.node.restarts()).toBe(0);
  });

  it('is not acted on after an abort while the gates were asked', async () => {
    const abort = new AbortController();
    const gates = async () => {
      abort.abort(new Error('somebody else took over'));
      return [];
    };
    await expect(steps.switch({ ...trial.context(), gates, signal: abort.signal })).rejects.toThrow(/took over/);
    expect(trial.node.commands).not.toContain('switch');
    expect(sha256(trial.node.read(binary))).toBe(trial.run.before?.sha256);
  });
});
