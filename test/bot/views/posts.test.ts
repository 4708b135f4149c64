import { describe, expect, it } from 'vitest';
import { proofText } from '../../../src/bot/views/node.ts';
import { outdated, type Post, posts } from '../../../src/bot/views/posts.ts';
import { next, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Diagnosis, Fleet, LikelyCause, NodeRun, PlanInput, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { isAsked } from '../../support/parts.ts';
import { hours, inputOf, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';
import { trialFleet } from '../support.ts';

function planned(fleet: Fleet = trialFleet(), input: Partial<PlanInput> = {}): Rollout {
  return plan(inputOf(fleet, { strategy: 'regions', requester: 'U0ROSA', ...input }));
}

/** Driven by an honest worker to the first state that fits. */
function until(
  start: Rollout,
  fits: (rollout: Rollout) => boolean,
  change: (world: World) => void = () => undefined,
): Rollout {
  const world = worldOf(start);
  change(world);
  let at = { rollout: start, now: start.createdAt };
  for (let step = 0; step < 600; step++) {
    if (fits(at.rollout)) return at.rollout;
    at = drive(at.rollout, world, { from: at.now, limit: 1 });
  }
  throw new Error('never came to that');
}

const stateOf = (rollout: Rollout, node: string) => rollout.nodes[node]?.state;
const asked = (rollout: Rollout, region: string) => isAsked(rollout, region);

function text(rollout: Rollout, key: RegExp): string {
  return found(rollout, key).text;
}

function found(rollout: Rollout, key: RegExp): Post {
  const post = posts(rollout).find((each) => key.test(each.key));
  if (!post) throw new Error(`no ${key} among ${posts(rollout).map((each) => each.key)}`);
  return post;
}

const buttons = (post: Post): string[] =>
  post.blocks.flatMap((block) =>
    block.type === 'actions' ? block.elements.flatMap((each) => (each.type === 'button' ? [each.text.text] : [])) : [],
  );

const midway = () =>
  until(planned(), (rollout) => {
    const state = stateOf(rollout, 'us-east-op-2');
    return state?.is === 'working' && state.step === 'verify';
  });
const atGate = () => until(planned(), (rollout) => asked(rollout, 'eu-west'));
const failed = () =>
  until(
    planned(),
    (rollout) => stateOf(rollout, 'us-east-op-2')?.is === 'rolled-back',
    (world) => world.bad.add('us-east-op-2'),
  );

describe('the live message', () => {
  it('tells what is prepared before the first node is begun', () => {
    expect(text(planned(), /^main$/)).toMatchInlineSnapshot(`
      "zeitwork-operator v2.0.0: prepared, nothing is touched yet
      \`░░░░░░░░░░\` 0 of 9 nodes on v2.0.0
      Next: us-east-op-1, not before <!date^1795505400^{date_short_pretty} {time}|2026-11-24 07:30 UTC>, Tue 24 Nov 02:30 (America/New_York)
      *us-east*  ○ op-1 staging  ·  ○ op-2 staging  ·  ○ op-3 staging
      *eu-west*  ○ op-1 staging  ·  ○ op-2 staging  ·  ○ op-3 staging
      *ap-south*  ○ op-1 staging  ·  ○ op-2 staging  ·  ○ op-3 staging
      *to v2.0.0* on 9 nodes of production, region by region, asked for by <@U0ROSA>
      Expected end: <!date^1795514400^{date_short_pretty} {time}|2026-11-24 10:00 UTC>, not counting the time that approvals take. Signed by ana. Rollout r1, run 1. Details are in the thread.
      Pause: /zeitwork pause
      Stop: /zeitwork stop"
    `);
  });

  it('tells every node, what moves and when the end is expected', () => {
    expect(text(midway(), /^main$/)).toMatchInlineSnapshot(`
      "zeitwork-operator v2.0.0: working on us-east-op-2
      \`█░░░░░░░░░\` 1 of 9 nodes on v2.0.0
      Way back: ready on 1 of 1
      *us-east*  ✓ op-1 done  ·  ▶ op-2 proving  ·  ○ op-3 waiting
      *eu-west*  ○ op-1 waiting  ·  ○ op-2 waiting  ·  ○ op-3 waiting
      *ap-south*  ○ op-1 waiting  ·  ○ op-2 waiting  ·  ○ op-3 waiting
      *v1.0.0 → v2.0.0* on 9 nodes of production, region by region, asked for by <@U0ROSA>
      Expected end: <!date^1795514205^{date_short_pretty} {time}|2026-11-24 09:56 UTC>, not counting the time that approvals take. Signed by ana. Rollout r1, run 1. Details are in the thread.
      Pause: /zeitwork pause
      Stop: /zeitwork stop
      Roll back all (2 nodes): /zeitwork rollback all"
    `);
  });

  it('tells whom it waits for at a gate', () => {
    expect(text(atGate(), /^main$/)).toMatchInlineSnapshot(`
      "zeitwork-operator v2.0.0: waiting for approval of eu-west
      \`███░░░░░░░\` 3 of 9 nodes on v2.0.0
      Way back: ready on 3 of 3
      Waiting for approval of *eu-west* by <!subteam^S0APPROVERS>
      Next: eu-west-op-1, not before <!date^1795509087^{date_short_pretty} {time}|2026-11-24 08:31 UTC>, Tue 24 Nov 08:31 (Europe/Dublin)
      *us-east*  ✓ op-1 done  ·  ✓ op-2 done  ·  ✓ op-3 done
      *eu-west*  ○ op-1 waiting  ·  ○ op-2 waiting  ·  ○ op-3 waiting
      *ap-south*  ○ op-1 waiting  ·  ○ op-2 waiting  ·  ○ op-3 waiting
      *v1.0.0 → v2.0.0* on 9 nodes of production, region by region, asked for by <@U0ROSA>
      Expected end: <!date^1795513887^{date_short_pretty} {time}|2026-11-24 09:51 UTC>, not counting the time that approvals take. Signed by ana. Rollout r1, run 1. Details are in the thread.
      Pause: /zeitwork pause
      Stop: /zeitwork stop
      Roll back all (3 nodes): /zeitwork rollback all"
    `);
  });

  it('tells why it is held and offers the ways out', () => {
    expect(text(failed(), /^main$/)).toMatchInlineSnapshot(`
      "zeitwork-operator v2.0.0: held over us-east-op-2, a decision is needed
      \`█░░░░░░░░░\` 1 of 9 nodes on v2.0.0
      Way back: ready on 1 of 1; last seen <!date^1795505446^{date_short_pretty} {time}|2026-11-24 07:30 UTC>
      *Held* since <!date^1795505449^{date_short_pretty} {time}|2026-11-24 07:30 UTC>: us-east-op-2: health stayed 503 starting
      *us-east*  ✓ op-1 done  ·  ↩ op-2 rolled back  ·  ○ op-3 waiting
      *eu-west*  ○ op-1 waiting  ·  ○ op-2 waiting  ·  ○ op-3 waiting
      *ap-south*  ○ op-1 waiting  ·  ○ op-2 waiting  ·  ○ op-3 waiting
      *v1.0.0 → v2.0.0* on 9 nodes of production, region by region, asked for by <@U0ROSA>
      Signed by ana. Rollout r1, run 1. Details are in the thread.
      Retry: /zeitwork retry
      Stop: /zeitwork stop
      Roll back all (1 node): /zeitwork rollback all"
    `);
  });

  it('names the window that it waits for in the words of the region', () => {
    const closed = tuesday + hours(6);
    expect(text(planned(trialFleet({}, 'guide'), { now: closed }), /^main$/)).toMatchInlineSnapshot(`
      "zeitwork-operator v2.0.0: waiting until Wed 25 Nov 02:00 (America/New_York)
      \`░░░░░░░░░░\` 0 of 9 nodes on v2.0.0
      Next: us-east-op-1, not before <!date^1795590000^{date_short_pretty} {time}|2026-11-25 07:00 UTC>, Wed 25 Nov 02:00 (America/New_York)
      *us-east*  ○ op-1 staging  ·  ○ op-2 staging  ·  ○ op-3 staging
      *eu-west*  ○ op-1 staging  ·  ○ op-2 staging  ·  ○ op-3 staging
      *ap-south*  ○ op-1 staging  ·  ○ op-2 staging  ·  ○ op-3 staging
      *to v2.0.0* on 9 nodes of production, region by region, asked for by <@U0ROSA>
      Expected end: <!date^1796071200^{date_short_pretty} {time}|2026-11-30 20:40 UTC>, not counting the time that approvals take. Signed by ana. Rollout r1, run 1. Details are in the thread.
      Pause: /zeitwork pause
      Stop: /zeitwork stop"
    `);
  });

  it('says loudly when windows are overridden', () => {
    const rollout = planned(trialFleet(), { override: { by: 'U0INES', reason: 'the <!channel> is on fire' } });
    expect(text(rollout, /^main$/)).toContain('by <@U0INES>: the &lt;!channel&gt; is on fire');
    const stopped: Rollout = { ...rollout, status: { is: 'stopped', by: 'U0INES', at: tuesday } };
    expect(posts(stopped).find(({ key }) => key === 'main')?.text).toContain(
      'Maintenance windows were overridden until',
    );
  });

  it.each([
    ['running', ['Pause', 'Stop']],
    ['paused', ['Resume', 'Stop']],
    ['stopping', []],
  ] as const)('offers what can be done while %s', (state, labels) => {
    const by = { by: 'U0ROSA', at: tuesday };
    const status = state === 'running' ? { is: state } : { is: state, ...by };
    expect(buttons(found({ ...planned(), status }, /^main$/))).toEqual(labels);
  });
});

describe('a line in the thread for every node', () => {
  it('gives the proof of one that is done', () => {
    expect(text(midway(), /^node\.us-east-op-1\./)).toMatchInlineSnapshot(
      `"✓ *us-east-op-1* done: runs v2.0.0, healthy 30 s in one process, image bbbbbbbbbbbb"`,
    );
  });

  it('claims of restarts only what systemd counted: it forgets them when the machine loses power', () => {
    const proof = { sha256: 'b'.repeat(64), invocation: 'i', mainPid: 1, version: 'v2.0.0', soaked: 30_000 };
    expect(proofText({ ...proof, restarts: 0 }, 'v2.0.0')).not.toContain('restart');
    expect(proofText({ ...proof, restarts: 1 }, 'v2.0.0')).toMatch(/, after 1 restart by systemd$/);
  });

  it('says of one under way what still serves, without itself, and that nobody need act', () => {
    expect(text(midway(), /^node\.us-east-op-2\./)).toMatchInlineSnapshot(
      `"▶ *us-east-op-2* begun: v1.0.0 → v2.0.0; 2 of 3 healthy in us-east, it goes on by itself"`,
    );
  });

  it('tells why one was rolled back', () => {
    expect(text(failed(), /^node\.us-east-op-2\./)).toMatchInlineSnapshot(`
      "↩ *us-east-op-2* runs v1.0.0 again, rolled back at <!date^1795505454^{date_short_pretty} {time}|2026-11-24 07:30 UTC>, proven: healthy 30 s in one process, image aaaaaaaaaaaa
      Reason: health stayed 503 starting"
    `);
  });

  it('has what was proven of a node that is back, but not in a rollout from before that was kept', () => {
    expect(text(failed(), /^node\.us-east-op-2\./)).toMatch(
      /again, rolled back at .*, proven: healthy 30 s in one process, image a{12}\n/,
    );
    const { lastWord: _, ...start } = planned();
    const older = until(
      start,
      (rollout) => stateOf(rollout, 'us-east-op-2')?.is === 'rolled-back',
      (world) => world.bad.add('us-east-op-2'),
    );
    expect(older.nodes['us-east-op-2']).not.toHaveProperty('back');
    expect(text(older, /^node\.us-east-op-2\./)).not.toContain('proven');
  });

  it('puts the button first that suits the cause, calls nothing a cause that does not show, and offers no other button for it', () => {
    const rollout = failed();
    const node = rollout.nodes['us-east-op-2'];
    if (node === undefined) throw new Error('no such node');
    const told = (diagnosis: Diagnosis) => {
      const now = { ...rollout, nodes: { ...rollout.nodes, [node.name]: { ...node, diagnosis } } };
      const post = posts(now).find(({ key }) => key.startsWith('failed.'));
      const buttons = (post?.blocks ?? []).flatMap((block) =>
        block.type === 'actions'
          ? block.elements.map((each) => ('action_id' in each ? (each.action_id ?? '') : ''))
          : [],
      );
      return { text: post?.text ?? '', buttons: buttons.filter((id) => !id.startsWith('zw:mine')) };
    };
    const cause = (nextStep: LikelyCause['next']): Diagnosis => ({
      summary: 'the disk is full',
      evidence: ['df'],
      causes: [{ name: 'disk-full', says: 'the disk is full', line: 'df', mend: 'free space', next: nextStep }],
    });
    const without = told({ summary: 'nothing shows', evidence: ['last line'], causes: [] });
    expect(without.text).toMatch(/No likely cause: nothing shows/);
    expect(without.text).not.toContain('Likely cause:');
    const firsts = (['look', 'retry', 'rollback', 'replace', 'nothing'] as const).map((each) => {
      const { text: said, buttons } = told(cause(each));
      expect(said).toMatch(/Likely cause: the disk is full\nWhat to do: free space/);
      expect(buttons.toSorted()).toEqual(without.buttons.toSorted());
      return buttons[0]?.split(':')[1];
    });
    const usual = without.buttons[0]?.split(':')[1];
    expect(firsts).toEqual(['diagnose', 'retry', 'rollback', usual, usual]);
  });

  it('does not say the cause again that stands in the channel, whatever comes after, and says it where nothing else does', () => {
    const cause = (rollout: Rollout) =>
      posts(rollout)
        .filter((each) => each.text.includes('Likely cause'))
        .map(({ key, onlyEdit }) => `${key.split('.')[0]}${onlyEdit ? ', as it stands' : ''}`);
    const rollout = failed();
    expect(cause(rollout)).toEqual(['failed']);
    const back = { scope: { is: 'all' as const }, epoch: tuesday + 9 };
    const later = { at: tuesday + hours(1), by: 'U0ROSA' };
    expect(cause(next(rollout, { type: 'rollback-asked', ...later, ...back }))).toEqual(['failed, as it stands']);
    expect(cause(next(rollout, { type: 'stopped', ...later }))).toEqual(['failed, as it stands']);
    const state = stateOf(rollout, 'us-east-op-2');
    const at = state?.is === 'rolled-back' ? state.at : 0;
    expect(cause({ ...rollout, status: { is: 'stopped', by: 'U0ROSA', at } })).toEqual([
      'failed, as it stands',
      'node',
    ]);
  });

  it('calls at once for what fails while others are brought back', () => {
    const rollout = failed();
    const after = { node: 'us-east-op-2', reason: 'never healthy' };
    const status = {
      is: 'rolling-back',
      scope: { is: 'all' },
      queue: ['us-east-op-1'],
      by: 'U0ROSA',
      at: tuesday,
    } as const;
    expect(found({ ...rollout, status: { ...status, queue: [...status.queue], after } }, /^failed\./).onlyEdit).toBe(
      false,
    );
    expect(
      found({ ...rollout, status: { ...status, queue: [...status.queue], after: null } }, /^failed\./).onlyEdit,
    ).toBe(true);
    const given = {
      is: 'stuck',
      direction: 'back',
      step: 'restore',
      reason: 'its worker is gone',
      at: tuesday,
    } as const;
    const node = { ...(rollout.nodes['us-east-op-2'] as NodeRun), state: given };
    const lost = { ...rollout, nodes: { ...rollout.nodes, 'us-east-op-2': node } };
    expect(found({ ...lost, status: { ...status, queue: [...status.queue], after } }, /^stuck\./).onlyEdit).toBe(false);
  });

  it('is not said to be begun before it may have been restarted, and says so when its turn is put off', () => {
    const rollout = midway();
    const node = rollout.nodes['us-east-op-2'];
    if (node?.state.is !== 'working') throw new Error('not under way');
    const backup = { ...node, touched: false, state: { ...node.state, index: 0, step: 'backup' as const } };
    const prepared = { ...rollout, nodes: { ...rollout.nodes, [node.name]: backup } };
    const line = found(prepared, /^node\.us-east-op-2\./);
    expect(line.text).toBe(
      '▶ *us-east-op-2* is being prepared, not restarted yet: v1.0.0 → v2.0.0; 3 of 3 healthy in us-east, it goes on by itself',
    );
    const stopped = next(prepared, { type: 'stopped', at: tuesday + hours(1), by: 'U0OTTO' });
    const [end] = outdated(stopped, [line.key]);
    expect([end?.closes, end?.text]).toEqual([true, '→ Put off, unchanged; it waits for its turn again.']);
  });

  it('is not there before the node is begun', () => {
    expect(posts(midway()).some(({ key }) => key.startsWith('node.us-east-op-3'))).toBe(false);
  });
});

describe('a gate', () => {
  it('asks the approvers with facts, and is seen in the channel', () => {
    const gate = found(atGate(), /^gate\./);
    expect(gate.place).toEqual({ is: 'thread', broadcast: true });
    expect(gate.text).toMatchInlineSnapshot(`
      "<!subteam^S0APPROVERS>: may *eu-west* (3 nodes) go to v2.0.0? 3 of 3 healthy in us-east.
      *us-east* is done, seen healthy for 60 min:
      ✓ us-east-op-1 done: runs v2.0.0, healthy 30 s in one process, image bbbbbbbbbbbb
      ✓ us-east-op-2 done: runs v2.0.0, healthy 30 s in one process, image bbbbbbbbbbbb
      ✓ us-east-op-3 done: runs v2.0.0, healthy 30 s in one process, image bbbbbbbbbbbb
      Now (<!date^1795509087^{date_short_pretty} {time}|2026-11-24 08:31 UTC>): all 3 nodes healthy
      Not begun yet: eu-west, ap-south
      If approved: begins <!date^1795509087^{date_short_pretty} {time}|2026-11-24 08:31 UTC>, Tue 24 Nov 08:31 (Europe/Dublin)
      An approval holds for 48 h. <@U0ROSA> asked for the rollout and may not approve it.
      Approve eu-west: /zeitwork approve eu-west
      Decline eu-west: /zeitwork decline eu-west --reason "…"
      Hold: /zeitwork pause
      Roll back us-east (3 nodes): /zeitwork rollback us-east"
    `);
    expect(buttons(gate)).toEqual(['Approve eu-west', 'Decline eu-west', 'Hold', 'Roll back us-east (3 nodes)']);
  });

  it('gets one more line when it is decided, and loses nothing but its buttons', () => {
    const rollout = atGate();
    const after = next(rollout, { type: 'approved', at: tuesday + hours(3), phase: 'approval/eu-west', by: 'U0INES' });
    const gate = found(after, /^gate\./);
    expect(gate.text).toMatchInlineSnapshot(
      `"✓ *eu-west* approved by <@U0INES> at <!date^1795516200^{date_short_pretty} {time}|2026-11-24 10:30 UTC>"`,
    );
    expect(gate.key).toBe(found(rollout, /^gate\./).key);
    expect(buttons(gate)).toEqual([]);
    expect(gate.closes).toBe(true);
  });

  it('asks nothing while the rollout is held or over', () => {
    const rollout: Rollout = {
      ...atGate(),
      status: { is: 'held', reason: 'x', node: null, at: tuesday, pending: null },
    };
    expect(buttons(found(rollout, /^gate\./))).toEqual([]);
    expect(found(rollout, /^gate\./).onlyEdit).toBe(true);
  });

  it('says loudly when requesters may approve their own', () => {
    const rollout = until(planned(trialFleet({ selfApproval: true })), (each) => asked(each, 'eu-west'));
    expect(text(rollout, /^gate\./)).toContain(
      'Self-approval is allowed here: <@U0ROSA> asked for the rollout and may approve it.',
    );
  });

  it('describes in its dialogs what changes and what stays', () => {
    expect(JSON.stringify(found(atGate(), /^gate\./).blocks)).toContain('All others stay as they are.');
    expect(JSON.stringify(found(atGate(), /^gate\./).blocks)).toContain('All other nodes stay as they are.');
  });
});

describe('a failure', () => {
  it('tells reason, cause and what was done, in the channel', () => {
    const failure = found(failed(), /^failed\./);
    expect(failure.place).toEqual({ is: 'thread', broadcast: true });
    expect(failure.text).toMatchInlineSnapshot(`
      "✗ *us-east-op-2 failed* and runs v1.0.0 again, proven at <!date^1795505454^{date_short_pretty} {time}|2026-11-24 07:30 UTC>; 3 of 3 healthy in us-east; nothing moves until somebody decides
      Why: health stayed 503 starting
      Likely cause: never healthy
      On v2.0.0 and left alone: us-east-op-1
      Called: <@U0ROSA>
      I have it: /zeitwork mine
      Retry: /zeitwork retry
      Roll back us-east (1 node): /zeitwork rollback us-east
      Stop: /zeitwork stop
      Diagnose us-east-op-2: /zeitwork diagnose us-east-op-2"
    `);
    expect(buttons(failure)).toEqual([
      'I have it',
      'Retry',
      'Roll back us-east (1 node)',
      'Stop',
      'Diagnose us-east-op-2',
    ]);
  });

  it('escapes what a host said', () => {
    const rollout = failed();
    const node = rollout.nodes['us-east-op-2'];
    if (!node) throw new Error('no node');
    const diagnosis = {
      summary: '<!channel> \u202eevil',
      evidence: ['```', '<https://evil|Approve>', 'a'.repeat(500)],
    };
    const drawn = JSON.stringify(
      found(
        { ...rollout, nodes: { ...rollout.nodes, [node.name]: { ...node, failure: '<@U0INES> & co', diagnosis } } },
        /^failed\./,
      ),
    );
    expect(drawn).not.toMatch(/<!channel>|<https:\/\/evil|\u202e|<@U0INES> &[^a]/);
    expect(drawn).toContain('&lt;!channel&gt; evil');
  });

  it('calls for a person when a rollback did not work, in a message of its own', () => {
    const rollout = until(
      planned(),
      (each) => stateOf(each, 'us-east-op-2')?.is === 'stuck',
      (world) => {
        world.bad.add('us-east-op-2');
        world.badRestore.set('us-east-op-2', 99);
      },
    );
    expect(text(rollout, /^stuck\./)).toMatchInlineSnapshot(`
      "‼ *us-east-op-2 could not be rolled back* and needs a person; 2 of 3 healthy in us-east; nothing moves until somebody decides
      Why: still sick
      Everything else is stopped; other nodes are left as they are.
      Called: <@U0ROSA>
      I have it: /zeitwork mine
      Retry: /zeitwork retry
      Roll back us-east (2 nodes): /zeitwork rollback us-east
      Stop: /zeitwork stop
      Diagnose us-east-op-2: /zeitwork diagnose us-east-op-2"
    `);
    expect(buttons(found(rollout, /^failed\./))).toEqual([]);
  });

  it('tells whoever asked what still serves, before why it is held', () => {
    expect(text(failed(), /^dm\.held\./)).toMatch(
      /^v2\.0\.0 is \*held\*; 3 of 3 healthy in us-east; nothing moves until somebody decides\nSince .*: us-east-op-2/,
    );
  });

  it('says who decided below it, when it is decided', () => {
    const rollout = failed();
    const standing = posts(rollout).map(({ key }) => key);
    const after = next(rollout, { type: 'retried', at: tuesday + hours(1), by: 'U0ROSA', epoch: tuesday + 9 });
    const [closing, ...more] = outdated(after, standing);
    expect(more.map(({ key }) => key)).toEqual([expect.stringMatching(/^dm\.held\.1\./)]);
    expect(closing?.key).toBe('failed.1.us-east-op-2');
    expect(closing?.text).toBe(
      '→ Tried again by <@U0ROSA> at <!date^1795509000^{date_short_pretty} {time}|2026-11-24 08:30 UTC>: now run 2, see the live message above.',
    );
    expect(closing?.closes).toBe(true);
  });

  it('tells of a region that became sick while it was watched', () => {
    const rollout: Rollout = {
      ...atGate(),
      status: {
        is: 'held',
        reason: 'us-east-op-1 became unhealthy while us-east was being watched',
        node: 'us-east-op-1',
        at: tuesday,
        pending: null,
      },
    };
    expect(text(rollout, /^failed\./)).toMatchInlineSnapshot(`
      "✗ *v2.0.0 is held*; 3 of 3 healthy in us-east; nothing moves until somebody decides
      Why: us-east-op-1 became unhealthy while us-east was being watched
      Called: <@U0ROSA>
      I have it: /zeitwork mine
      Resume: /zeitwork resume
      Roll back all (3 nodes): /zeitwork rollback all
      Stop: /zeitwork stop"
    `);
  });
});

describe('the end', () => {
  it('is told in the channel when every node is proven', () => {
    const rollout = until(planned(trialFleet(), { strategy: 'rolling' }), ({ status }) => status.is === 'done');
    const end = found(rollout, /^finished\./);
    expect(end.text).toMatchInlineSnapshot(`
      "✓ *v2.0.0 is on all 9 nodes*, each one proven.
      Signed by ana
      ✓ done: us-east-op-1, v2.0.0
      ✓ done: us-east-op-2, v2.0.0
      ✓ done: us-east-op-3, v2.0.0
      ✓ done: eu-west-op-1, v2.0.0
      ✓ done: eu-west-op-2, v2.0.0
      ✓ done: eu-west-op-3, v2.0.0
      ✓ done: ap-south-op-1, v2.0.0
      ✓ done: ap-south-op-2, v2.0.0
      ✓ done: ap-south-op-3, v2.0.0
      Roll back all (9 nodes): /zeitwork rollback all"
    `);
    expect(end.place).toEqual({ is: 'thread', broadcast: true });
    expect(buttons(end)).toEqual(['Roll back all (9 nodes)']);
    expect(text(rollout, /^dm\.done/)).toBe('✓ *v2.0.0 is on all 9 nodes*, each one proven.');
  });

  it('names a partial result node by node', () => {
    const rollout = next(atGate(), { type: 'stopped', at: tuesday + hours(3), by: 'U0OTTO' });
    expect(text(rollout, /^stopped\./)).toMatchInlineSnapshot(`
      "■ *Stopped by <@U0OTTO>*: 3 of 9 nodes on v2.0.0.
      Signed by ana
      ✓ done: us-east-op-1, v2.0.0
      ✓ done: us-east-op-2, v2.0.0
      ✓ done: us-east-op-3, v2.0.0
      ○ not begun: eu-west-op-1, v1.0.0
      ○ not begun: eu-west-op-2, v1.0.0
      ○ not begun: eu-west-op-3, v1.0.0
      ○ not begun: ap-south-op-1, v1.0.0
      ○ not begun: ap-south-op-2, v1.0.0
      ○ not begun: ap-south-op-3, v1.0.0
      Roll back all (3 nodes): /zeitwork rollback all"
    `);
  });

  it('tells what a rollback brought back', () => {
    const asking = next(atGate(), {
      type: 'rollback-asked',
      at: tuesday + hours(3),
      by: 'U0OTTO',
      scope: { is: 'all' },
      epoch: tuesday + 9,
    });
    const rollout = until(
      { ...asking, createdAt: tuesday + hours(3) },
      ({ status }) => status.is === 'rolled-back',
      (world) => {
        for (const node of ['us-east-op-1', 'us-east-op-2', 'us-east-op-3']) world.image[node] = 'b'.repeat(64);
      },
    );
    expect(text(rollout, /^rolled-back\./)).toMatchInlineSnapshot(`
      "↩ *Rolled back (everything)*: 0 of 9 nodes still on v2.0.0; before it ran v1.0.0.
      Signed by ana
      ↩ rolled back: us-east-op-1, v1.0.0
      ↩ rolled back: us-east-op-2, v1.0.0
      ↩ rolled back: us-east-op-3, v1.0.0
      ○ not begun: eu-west-op-1, v1.0.0
      ○ not begun: eu-west-op-2, v1.0.0
      ○ not begun: eu-west-op-3, v1.0.0
      ○ not begun: ap-south-op-1, v1.0.0
      ○ not begun: ap-south-op-2, v1.0.0
      ○ not begun: ap-south-op-3, v1.0.0
      ○ Something went wrong here that is worth a post-mortem: nobody writes it down yet; \`zeitwork report r1 --out DIR\` has the material for it
      I own it: /zeitwork own r1"
    `);
    expect(buttons(found(rollout, /^rolled-back\./))).toEqual(['I own it']);
  });
});

describe('a schedule', () => {
  const closed = tuesday + hours(6);

  it('is announced in the channel when the window is closed', () => {
    const scheduled = found(planned(trialFleet({}, 'guide'), { now: closed }), /^scheduled$/);
    expect(scheduled.place).toEqual({ is: 'channel' });
    expect(scheduled.text).toMatchInlineSnapshot(`
      "*zeitwork-operator v2.0.0* is scheduled by <@U0ROSA>; no node is restarted before <!date^1795590000^{date_short_pretty} {time}|2026-11-25 07:00 UTC>
      9 nodes, without downtime:
      • us-east: not before <!date^1795590000^{date_short_pretty} {time}|2026-11-25 07:00 UTC>, Wed 25 Nov 02:00 (America/New_York)
      • eu-west: not before <!date^1795658400^{date_short_pretty} {time}|2026-11-26 02:00 UTC>, Thu 26 Nov 02:00 (Europe/Dublin)
      • ap-south: not before <!date^1796070600^{date_short_pretty} {time}|2026-11-30 20:30 UTC>, Tue 1 Dec 02:00 (Asia/Kolkata)
      Postpone to Thu 26 Nov 02:00: /zeitwork reschedule --next
      Cancel it: /zeitwork stop"
    `);
  });

  it('is not announced when the first node may begin now', () => {
    expect(posts(planned()).some(({ key }) => key === 'scheduled')).toBe(false);
  });

  it('is told again when the first node is begun', () => {
    const rollout = until(planned(trialFleet({}, 'guide'), { now: closed }), ({ startedAt }) => startedAt !== null);
    expect(text(rollout, /^started$/)).toMatchInlineSnapshot(
      `"▶ *zeitwork-operator v2.0.0* has begun at <!date^1795590001^{date_short_pretty} {time}|2026-11-25 07:00 UTC>, as scheduled."`,
    );
    expect(buttons(found(rollout, /^scheduled$/))).toEqual([]);
    const late = { ...rollout, startedAt: (rollout.startedAt ?? 0) + hours(2) };
    expect(text(late, /^started$/)).toMatch(/ has begun at .*09:00 UTC>; it was to begin .*07:00 UTC>\.$/);
  });
});

describe('every message', () => {
  const many = planned(trialFleet({}, 'always', 100));
  const all = [
    midway(),
    atGate(),
    failed(),
    many,
    { ...many, status: { is: 'stopped' as const, by: 'U0OTTO', at: tuesday } },
  ];

  it('keeps within the limits of Slack, also for 300 nodes', () => {
    for (const { blocks, text: said, key } of all.flatMap((rollout) => posts(rollout))) {
      expect(blocks.length, key).toBeLessThanOrEqual(50);
      expect(JSON.stringify(blocks).length, key).toBeLessThan(13_000);
      expect(said.length, key).toBeLessThan(4_000);
      for (const block of blocks) {
        expect(block.block_id?.length).toBeLessThanOrEqual(255);
        if (block.type === 'section') expect(block.text?.text.length).toBeLessThanOrEqual(3_000);
      }
    }
  });

  it('tells 300 nodes in a line per region', () => {
    expect(text(many, /^main$/)).toContain('*us-east*  100 ○ staging');
  });

  it('is equal for equal states', () => {
    expect(posts(atGate())).toEqual(posts(atGate()));
  });

  it('has a key of its own', () => {
    for (const rollout of all) {
      const keys = posts(rollout).map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it('goes to the requester alone only when that is somebody in the chat', () => {
    const local: Rollout = { ...failed(), requester: 'cli:rosa' };
    expect(posts(local).some(({ place }) => place.is === 'dm')).toBe(false);
    expect(posts(failed()).filter(({ place }) => place.is === 'dm')).toHaveLength(1);
  });
});
