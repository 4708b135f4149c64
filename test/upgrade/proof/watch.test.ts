import { describe, expect, it } from 'vitest';
import type { Observation, UnitFacts } from '../../../src/upgrade/host/observation.ts';
import type { Health } from '../../../src/upgrade/http/types.ts';
import { judge } from '../../../src/upgrade/proof/judge.ts';
import { begin, type Goal, heard, looked, missed, type Verdict, wantsLook } from '../../../src/upgrade/proof/watch.ts';

const goal: Goal = {
  sha256: 'new',
  version: 'v2.0.0',
  envSha256: null,
  oldInvocation: 'i-old',
  answers: 3,
  soak: 30_000,
  deadline: 60_000,
  slowStop: 100_000,
};
const unit: UnitFacts = {
  loaded: true,
  active: 'active',
  sub: 'running',
  result: 'success',
  exitStatus: 0,
  mainPid: 7,
  invocation: 'i-new',
  restarts: 0,
};
type Sight = Partial<Observation> & { unit?: UnitFacts };
const sight = (change: Sight = {}): Observation => ({
  unit,
  down: false,
  links: { binary: null, env: null },
  image: 'new',
  disk: 'new',
  env: null,
  torn: false,
  stale: false,
  outlived: null,
  staged: null,
  machine: 'x86_64',
  writable: true,
  space: {},
  held: 0,
  version: [],
  ...change,
});
const healthy: Health = { is: 'healthy', version: 'v2.0.0', hostname: null };
const starting: Health = { is: 'unhealthy', httpStatus: 503, detail: '503 starting' };
const refused: Health = { is: 'unreachable', detail: 'connection refused', refused: true };
const silence: Health = { is: 'unreachable', detail: 'no full answer within 3 s' };

/** What a node shows at a time, ms after the start of the proof; `sight` null: SSH fails. */
interface Moment {
  health: Health;
  sight: Sight | null;
  /** The look failed on the node itself, not on its way there. */
  reached?: boolean;
}

/** Plays a node against the watch with one poll a second; the verdict and when it fell. */
function play(node: (at: number) => Moment, aim: Goal = goal): { verdict: Verdict; at: number } {
  let watch = begin(0);
  for (let at = 0; at < 400_000; at += 1_000) {
    const now = node(at);
    const wanted = wantsLook(watch, at, aim);
    watch = heard(watch, now.health, at, aim);
    if (wanted) {
      watch =
        now.sight === null
          ? missed(watch, 'connection timed out', at, now.reached ?? false)
          : looked(watch, sight(now.sight), at, aim);
    }
    const verdict = judge(watch, at, aim);
    if (verdict !== null) return { verdict, at };
  }
  throw new Error('watched for ever');
}

const up = (change: Sight = {}): Moment => ({ health: healthy, sight: change });
const unitOf = (change: Partial<UnitFacts>): Sight => ({ unit: { ...unit, ...change } });
const dead = (restarts: number): Moment => ({
  health: refused,
  sight: {
    image: null,
    ...unitOf({ active: 'activating', sub: 'auto-restart', mainPid: 0, restarts, exitStatus: 1, result: 'exit-code' }),
  },
});

describe('the proof of a node', () => {
  it('takes three healthy answers and a soak, both seen to the end', () => {
    const { verdict, at } = play(() => up());
    expect(verdict).toEqual({
      is: 'proven',
      proof: { sha256: 'new', invocation: 'i-new', mainPid: 7, restarts: 0, version: 'v2.0.0', soaked: 30_000 },
    });
    expect(at).toBe(32_000);
  });

  it('needs no more than the answers when there is no soak', () => {
    expect(play(() => up(), { ...goal, soak: 0 })).toMatchObject({ verdict: { is: 'proven' }, at: 2_000 });
  });

  it('begins the soak again after one bad answer', () => {
    const { verdict, at } = play((now) => (now === 20_000 ? { health: starting, sight: {} } : up()));
    expect(verdict).toMatchObject({ is: 'proven', proof: { soaked: 30_000 } });
    expect(at).toBe(53_000);
  });

  it('waits for a slow start within the deadline', () => {
    const { verdict } = play((now) => (now < 50_000 ? { health: starting, sight: {} } : up()));
    expect(verdict).toMatchObject({ is: 'proven' });
  });

  it('counts the deadline from active, so that a slow stop costs nothing', () => {
    const stopping = unitOf({ active: 'deactivating', sub: 'stop-sigterm', invocation: 'i-old' });
    const { verdict } = play((now) => {
      if (now < 90_000) return { health: healthy, sight: { ...stopping, image: 'old' } };
      return now < 140_000 ? { health: starting, sight: {} } : up();
    });
    expect(verdict).toMatchObject({ is: 'proven' });
  });

  const failures: [string, RegExp, (now: number) => Moment][] = [
    ['health stays 503', /^health stays 503 starting for 60 s$/, () => ({ health: starting, sight: {} })],
    [
      'health is 200 and unhealthy',
      /^health says unhealthy \(HTTP 200\) for 60 s$/,
      () => ({ health: { is: 'unhealthy', httpStatus: 200, detail: 'unhealthy' }, sight: {} }),
    ],
    [
      'nothing listens',
      /^health does not answer \(connection refused\), unit active\/running for 60 s$/,
      () => ({ health: refused, sight: {} }),
    ],
    ['it exits at start', /^restarted 2 times: exit status 1$/, (now) => dead(Math.floor(now / 5_000))],
    [
      'the unit gives up',
      /^the unit failed: exit status 3$/,
      () => ({ health: refused, sight: unitOf({ active: 'failed', mainPid: 0, result: 'exit-code', exitStatus: 3 }) }),
    ],
    [
      'it dies after a while',
      /^answered healthy for 20 s, then died: restarted by systemd \(NRestarts 0 -> 1\)$/,
      (now) =>
        now < 20_000 ? up() : now < 25_000 ? dead(1) : up(unitOf({ invocation: 'i-3', mainPid: 9, restarts: 1 })),
    ],
    [
      'it dies and comes back between two polls',
      /^answered healthy for \d+ s, then died: restarted by systemd/,
      (now) => up(now < 10_500 ? {} : unitOf({ invocation: 'i-3', mainPid: 9, restarts: 1 })),
    ],
    [
      'the old image runs',
      /^runs the image oldoldoldold, not v2\.0\.0$/,
      () => ({ health: { ...healthy, version: null }, sight: { image: 'oldoldoldold-' } }),
    ],
    [
      'it says another version',
      /^runs v1\.0\.0, not v2\.0\.0$/,
      () => ({ health: { ...healthy, version: 'v1.0.0' }, sight: {} }),
    ],
    ['the old process answers', /^the service was not restarted/, () => up(unitOf({ invocation: 'i-old' }))],
    ['the file on disk is another one', /^the file on disk is not the one that runs/, () => up({ disk: 'other' })],
    [
      'it never becomes active',
      /^the unit did not become active within 160 s: activating\/start-pre$/,
      () => ({ health: refused, sight: unitOf({ active: 'activating', sub: 'start-pre', mainPid: 0 }) }),
    ],
    [
      'it flaps',
      /^did not stay healthy for 30 s/,
      (now) => (Math.floor(now / 1_000) % 26 === 25 ? { health: starting, sight: {} } : up()),
    ],
  ];
  it.each(failures)('fails when %s', (_, reason, node) => {
    const { verdict } = play(node);
    expect(verdict).toMatchObject({ is: 'failed', reason: expect.stringMatching(reason) });
  });

  it('is unknown when SSH is gone although health answers: nobody can tell which image runs', () => {
    expect(play(() => ({ health: healthy, sight: null })).verdict).toMatchObject({
      is: 'unknown',
      reason: expect.stringMatching(/timed out/),
    });
  });

  it('is unknown at once when the node neither can be looked at nor answers', () => {
    const { verdict, at } = play((now) => (now < 5_000 ? up() : { health: silence, sight: null }));
    expect(verdict).toEqual({
      is: 'unknown',
      reason: 'does not answer: SSH connection timed out, health no full answer within 3 s',
      silent: true,
    });
    expect(at).toBeLessThan(8_000);
  });

  it.each<[string, (now: number) => Moment]>([
    ['one answer of health was lost', (now) => (now === 3_000 ? { health: silence, sight: {} } : up())],
    ['one look failed', (now) => (now < 3_000 ? { health: healthy, sight: null } : up())],
    [
      'a look failed on the node while health was lost',
      (now) => (now < 3_000 ? { health: silence, sight: null, reached: true } : up()),
    ],
    [
      'SSH is refused and nothing listens while it boots',
      (now) => (now < 9_000 ? { health: refused, sight: null } : up()),
    ],
  ])('goes on when %s', (_, node) => {
    expect(play(node).verdict).toMatchObject({ is: 'proven' });
  });

  it('is unknown in the end when SSH stays away from a node that boots', () => {
    expect(play(() => ({ health: refused, sight: null })).verdict).toMatchObject({ is: 'unknown' });
  });

  const others: [string, Sight][] = [
    ['of another invocation', unitOf({ invocation: 'i-other' })],
    ['with another main process', unitOf({ mainPid: 8 })],
    ['that systemd restarted', unitOf({ restarts: 1 })],
  ];
  it.each(others)('starts the soak again with a process %s', (_, change) => {
    const { verdict, at } = play((now) => up(now < 20_000 ? {} : change));
    expect(verdict).not.toMatchObject({ is: 'proven', proof: { invocation: 'i-new', mainPid: 7, restarts: 0 } });
    if (verdict.is === 'proven') expect(at).toBeGreaterThanOrEqual(20_000 + goal.soak);
  });

  it('does not prove a node that cannot be looked at when its soak ends', () => {
    const { verdict, at } = play((now) =>
      now < 28_000 || now > 40_000 ? up() : { health: healthy, sight: null, reached: true },
    );
    expect(verdict).toMatchObject({ is: 'proven' });
    expect(at).toBeGreaterThan(40_000);
  });

  it('does not require a new process for a node that was on the release already', () => {
    const { verdict } = play(() => up(unitOf({ invocation: 'i-old', restarts: 7 })), { ...goal, oldInvocation: null });
    expect(verdict).toMatchObject({ is: 'proven', proof: { restarts: 7 } });
  });

  it('requires the recorded environment file of a node that was rolled back', () => {
    const aim = { ...goal, envSha256: 'env' };
    expect(play(() => up({ env: 'env' }), aim).verdict).toMatchObject({ is: 'proven' });
    expect(play(() => up({ env: 'other' }), aim).verdict).toMatchObject({
      is: 'failed',
      reason: expect.stringMatching(/environment file/),
    });
  });

  it('begins the soak again when a person restarted the service meanwhile', () => {
    const { verdict, at } = play((now) => up(now < 10_000 ? {} : unitOf({ invocation: 'i-3', mainPid: 9 })));
    expect(verdict).toMatchObject({ is: 'proven', proof: { invocation: 'i-3' } });
    expect(at).toBeGreaterThan(40_000);
  });
});
