import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { steps } from '../../../src/upgrade/steps/index.ts';
import { state, Trial } from './trial.ts';

let trial: Trial;
beforeEach(() => {
  trial = new Trial();
});
afterEach(() => trial.close());

/** Both commands are one program of the node that writes down how it was called, and then does what `body` says. */
function use(body: string): void {
  const program = trial.node.path('bin/balancer');
  trial.node.write('bin/balancer', `#!/bin/sh\necho "$*" >>${trial.node.path('calls')}\n${body}\n`, 0o755);
  const traffic = { drain: [program, 'out', '{name}'], undrain: [program, 'in', '{name}'], limit: 60_000 };
  trial.plan = { ...trial.plan, service: { ...trial.plan.service, traffic } };
}

describe('taking a node out of service, and putting it back', () => {
  it('runs the command of the settings with the name of the node', async () => {
    use('exit 0');
    expect(await trial.go('drain', 'undrain')).toEqual({ is: 'succeeded', facts: {} });
    expect(trial.node.read('calls')).toBe('out us-east-op-1\nin us-east-op-1\n');
  });

  it('says nothing of a line whose beginning was cut off, and the last whole one', async () => {
    const flood = `head -c 20000 /dev/zero | tr '\\0' x; printf '\\0 got Zx9Kq2Lm7Tv4Bn8Wc1Rd6Yh3Gf5Js0Pa'`;
    use(`${flood}\nexit 3`);
    expect(await trial.go('drain')).toMatchObject({ reason: 'the command for drain ended with exit code 3' });
    use(`${flood}\nprintf '\\nthe balancer is away\\n'\nexit 3`);
    expect(await trial.go('drain')).toMatchObject({ reason: expect.stringMatching(/code 3: the balancer is away$/) });
  });

  it('says nothing of a key that was printed last', async () => {
    use(`printf -- '-----BEGIN PRIVATE KEY-----\\nMIIEpAIBAAKC\\n'\nexit 3`);
    expect(await trial.go('drain')).toMatchObject({ reason: expect.not.stringMatching(/MIIE/) });
  });

  it('leaves what was staged for the switch that comes next', async () => {
    use('exit 0');
    expect(await trial.go('stage', 'backup', 'drain', 'switch', 'undrain', 'cleanup')).toMatchObject({
      is: 'succeeded',
    });
  });

  it('asks the gates before, and sends nothing when one is shut', async () => {
    use('exit 0');
    trial.gates = [{ name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null }];
    expect(await trial.go('drain')).toMatchObject({ is: 'gated', unchanged: true });
    expect(trial.node.has('calls')).toBe(false);
    expect(await trial.go('undrain')).toMatchObject({ is: 'succeeded' });
  });

  it('sends nothing when the gates took so long that what they saw is old, and asks again', async () => {
    use('exit 0');
    const { clock } = trial;
    const slow = async () => {
      await clock.sleep(5_001);
      return [];
    };
    expect(await steps.drain({ ...trial.context(), gates: slow })).toMatchObject({
      is: 'later',
      reason: expect.stringMatching(/longer than 5 s/),
    });
    expect(trial.node.has('calls')).toBe(false);
  });

  it('is sent with what is left of its time, and no later', async () => {
    use('exit 0');
    const limits: Record<string, number | undefined> = {};
    trial.node.onCommand = ({ name, sendWithinMs }) => {
      limits[name] = sendWithinMs;
    };
    await trial.go('drain', 'undrain');
    expect(limits.drain).toBeLessThanOrEqual(5_000);
    expect(limits.undrain).toBeUndefined();
  });

  it.each([
    ['echo 3 connections left; exit 75', { is: 'later', reason: '3 connections left', after: 2_000 }],
    ['exit 75', { is: 'later', reason: 'drain is under way' }],
    ['echo no such backend; exit 4', { is: 'failed', retry: true, reason: /exit code 4: no such backend$/ }],
    ['echo password=s3cret-1234; exit 4', { is: 'failed', reason: /exit code 4: password=\*\*\*$/ }],
    ['kill -9 $$', { is: 'failed', retry: true, reason: /exit code 137/ }],
  ])('reads %j', async (body, { reason, ...expected }) => {
    use(body);
    const result = await trial.go('drain');
    expect(result).toMatchObject(expected);
    expect('reason' in result ? result.reason : '').toMatch(reason ?? '');
  });

  it('says that the program is not there, and does not try again', async () => {
    use('exit 0');
    trial.node.exec('rm bin/balancer');
    expect(await trial.go('drain')).toMatchObject({
      is: 'failed',
      retry: false,
      reason: expect.stringMatching(/exit code 127/),
    });
  });

  it('is fenced like every change: an older try does nothing', async () => {
    use('exit 0');
    trial.node.write(`${state}/epoch`, '9 9\n');
    expect(await trial.go('drain')).toMatchObject({ is: 'failed', reason: expect.stringMatching(/a newer run owns/) });
    expect(trial.node.has('calls')).toBe(false);
  });
});
