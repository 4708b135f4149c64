import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binary, env, state, Trial } from './trial.ts';

/** The next time that a script calls this program for the environment file, or for a restart, this is done first. */
function once(trial: Trial, program: 'mv' | 'systemctl', does: string): void {
  const { node } = trial;
  const real = program === 'mv' ? '#!/bin/sh\nexec /usr/bin/mv "$@"\n' : node.read(`bin/${program}`);
  node.write(`bin/${program}.real`, real, 0o755);
  const [path, when] = [`${node.root}/bin/${program}`, program === 'mv' ? '*operator.env' : 'restart*'];
  node.write(
    `bin/${program}`,
    `#!/bin/sh\ncase "$*" in ${when}) [ -f ${path}.done ] || { : >${path}.done; ${does}; } ;; esac\nexec ${path}.real "$@"\n`,
    0o755,
  );
}
const dies = 'kill -9 $PPID; exit 1';

describe('an environment file that is put back alone', () => {
  let trial: Trial;
  beforeEach(async () => {
    trial = new Trial();
    await trial.go('stage');
    trial.node.exec(`echo BY_HAND=1 >>${env}; systemctl restart zeitwork-operator`);
    trial.run = { ...trial.run, touched: true };
    expect(await trial.go('restore')).toMatchObject({ is: 'failed' });
    trial.decide('replace');
  });
  afterEach(() => trial.close());

  const restartsAfter = async (work: () => Promise<unknown>): Promise<number> => {
    const before = trial.node.restarts();
    await work();
    return trial.node.restarts() - before;
  };

  it('is put in place with one restart, however often that is asked', async () => {
    expect(await restartsAfter(() => trial.go('restore', 'restore', 'verify-restored'))).toBe(1);
    expect(trial.node.read(env)).not.toContain('BY_HAND');
  });

  it('is brought into effect by the next try where the first one was killed right after the rename', async () => {
    once(trial, 'systemctl', dies);
    expect(await trial.go('restore')).toMatchObject({ is: 'unknown' });
    expect(trial.node.read(env)).not.toContain('BY_HAND');
    expect(await trial.go('verify-restored')).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/the old process still answers/),
    });
    expect(await restartsAfter(() => trial.go('restore', 'restore', 'verify-restored'))).toBe(1);
    expect(trial.run.proof).not.toBeNull();
  });

  it('is brought into effect where the service came up anew right before the rename, and the try was killed right after it', async () => {
    once(trial, 'mv', `${trial.node.root}/bin/systemctl.real restart zeitwork-operator`);
    once(trial, 'systemctl', dies);
    expect(await trial.go('restore')).toMatchObject({ is: 'unknown' });
    expect(await restartsAfter(() => trial.go('restore', 'restore', 'verify-restored'))).toBe(1);
  });

  it('wants no restart of a process that came up after the rename', async () => {
    once(trial, 'systemctl', dies);
    await trial.go('restore');
    trial.node.exec('systemctl restart zeitwork-operator');
    expect(await restartsAfter(() => trial.go('restore', 'verify-restored'))).toBe(0);
  });

  it('is said by no note of an earlier one to be new', async () => {
    await trial.go('restore', 'verify-restored');
    expect(trial.node.read(`${state}/environment`)).toMatch(/^[0-9a-f]{64} run-\d+\n$/);
    trial.node.exec(`echo MORE=1 >>${env}`);
    expect(trial.node.exec(`stat -c %a ${binary}`)).toBe('755\n');
    expect(await trial.go('restore')).toMatchObject({ is: 'failed' });
  });
});
