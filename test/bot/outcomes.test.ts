import { describe, expect, it } from 'vitest';
import type { Reply } from '../../src/bot/context.ts';
import { runCommand } from '../../src/bot/run.ts';
import { newImage, oldImage, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const ask = ({ context }: Trial, actor: string, text: string): Promise<Reply> => runCommand(context, actor, text);
const outcome = async (here: Trial, actor: string, text: string) => (await ask(here, actor, text)).outcome ?? 'done';

/** A rollout that Rosa started, driven until `fits`. */
async function under(here: Trial, fits: (json: string) => boolean): Promise<void> {
  const { facts } = await ask(here, 'U0ROSA', 'upgrade v2.0.0');
  await ask(here, 'U0ROSA', `start ${facts?.plan}`);
  const [rollout] = here.control.rollouts.values();
  if (!rollout) throw new Error('not started');
  const world = worldOf(rollout);
  let at = { rollout, now: rollout.createdAt };
  for (let step = 0; step < 500 && !fits(JSON.stringify(at.rollout)); step++) {
    at = drive(at.rollout, world, { from: at.now, limit: 1 });
  }
  here.control.rollouts.set(rollout.id, at.rollout);
  here.clock.at = at.now;
}
const euWestAsked = (json: string) => /"id":"approval\/eu-west"[^{}]*"state":\{"is":"active"/.test(json);
const oneDone = (json: string) => json.includes('"is":"done","at"');
const silence = 'no worker of us-east answered within 15 s';

describe('what came of a command, for programs', () => {
  it.each([
    ['U0ROSA', 'upgrade v2.0.0 --dry-run', 'done'],
    ['U0ROSA', 'history', 'done'],
    ['U0ROSA', 'help upgrade', 'done'],
    ['U0ROSA', 'upgarde v2.0.0', 'usage'],
    ['U0ROSA', 'upgrade banana', 'usage'],
    ['U0ROSA', 'pause now', 'usage'],
    ['U0ROSA', 'upgrade v9.9.9', 'refused'],
    ['U0ROSA', 'pause', 'refused'],
    ['U0ROSA', 'diagnose nobody', 'refused'],
    ['U0ROSA', 'start gone', 'refused'],
    ['U0LU', 'upgrade v2.0.0', 'denied'],
    ['U0GIL', 'status', 'denied'],
  ])('%s who types %j: %s', async (actor, text, expected) => {
    expect(await outcome(trial(), actor, text)).toBe(expected);
  });

  it('tells a decision that counted from one that came too late', async () => {
    const here = trial();
    await under(here, euWestAsked);
    expect(await outcome(here, 'U0INES', 'approve ap-south')).toBe('outdated');
    expect(await outcome(here, 'U0ROSA', 'approve eu-west')).toBe('denied');
    expect(await outcome(here, 'U0INES', 'approve eu-west')).toBe('done');
    expect(await outcome(here, 'U0INES', 'approve eu-west')).toBe('outdated');
    expect(await outcome(here, 'U0OTTO', 'rollback eu-west')).toBe('outdated');
    expect(await outcome(here, 'U0OTTO', 'rollback')).toBe('usage');
    expect(await outcome(here, 'U0ROSA', 'upgrade v2.0.0')).toBe('refused');
    const { facts } = await ask(here, 'U0OTTO', 'pause');
    expect(facts).toMatchObject({ rollout: { id: 'r1', status: { is: 'paused', by: 'U0OTTO' } } });
  });

  it('does not take a new plan for a start', async () => {
    const here = trial();
    const { facts } = await ask(here, 'U0ROSA', 'upgrade v2.0.0');
    here.control.looks = surveyOf(here.context.fleet, {
      'us-east-op-1': { version: 'v1.1.0', sha256: 'd'.repeat(64) },
    });
    expect(await outcome(here, 'U0ROSA', `start ${facts?.plan}`)).toBe('outdated');
    expect(here.control.rollouts.size).toBe(0);
  });

  it('tells something wrong on a node from a worker that is silent', async () => {
    const fleet = trialFleet();
    const silent = {
      healthy: false,
      detail: silence,
      unit: null,
      sha256: null,
      version: null,
      unanswered: true as const,
    };
    const all = Object.fromEntries(surveyOf(fleet).map(({ node }) => [node, silent]));
    const sick = { 'eu-west-op-1': { version: 'v2.0.0', sha256: oldImage } };
    const here = (changes: Parameters<typeof surveyOf>[1]) => trial({ fleet, looks: surveyOf(fleet, changes) });
    expect(await outcome(here({}), 'U0LU', 'verify')).toBe('done');
    expect(await outcome(here(sick), 'U0LU', 'verify')).toBe('wrong');
    expect(await outcome(here({ 'us-east-op-1': silent }), 'U0LU', 'verify')).toBe('unreachable');
    expect(await outcome(here({ 'us-east-op-1': silent, ...sick }), 'U0LU', 'verify')).toBe('wrong');
    expect(await outcome(here({ 'us-east-op-1': silent }), 'U0LU', 'status')).toBe('unreachable');
    expect(await outcome(here(sick), 'U0LU', 'status')).toBe('done');
    expect(await outcome(here(all), 'U0ROSA', 'upgrade v2.0.0')).toBe('unreachable');
    const asked = here({});
    asked.control.diagnose = async () => ({
      summary: `us-east-op-1: ${silence}`,
      evidence: [],
      unanswered: true as const,
    });
    expect(await outcome(asked, 'U0OTTO', 'diagnose us-east-op-1')).toBe('unreachable');
  });

  it('tells a store that is away from a mistake of its own', async () => {
    const here = trial();
    here.control.survey = async () => Promise.reject(new Error('a mistake'));
    expect(await outcome(here, 'U0LU', 'verify')).toBe('bug');
    here.control.store.load = async () => Promise.reject(new Error('Connection is closed.'));
    here.control.store.open = async () => Promise.reject(new Error('Connection is closed.'));
    expect(await outcome(here, 'U0LU', 'status')).toBe('unreachable');
  });
});

describe('the facts of a look', () => {
  it('are a rollout with every key, null where nothing applies', async () => {
    const here = trial();
    await under(here, euWestAsked);
    const { facts } = await ask(here, 'U0LU', 'status');
    expect(facts).toMatchObject({ last: null, nodes: null });
    const rollout = JSON.parse(JSON.stringify(facts?.rollout));
    expect({
      ...rollout,
      phases: rollout.phases.slice(0, 4),
      nodes: rollout.nodes.slice(0, 1),
    }).toMatchInlineSnapshot(`
      {
        "afterwards": null,
        "change": null,
        "createdAt": "2026-11-24T07:30:00.000Z",
        "endedAt": null,
        "fleet": "production",
        "id": "r1",
        "moves": [],
        "nodes": [
          {
            "changed": true,
            "direction": null,
            "node": "us-east-op-1",
            "reason": null,
            "region": "us-east",
            "rehearsedAt": null,
            "sha256Before": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "state": "done",
            "step": null,
            "versionBefore": "v1.0.0",
          },
        ],
        "notice": null,
        "open": true,
        "override": null,
        "phases": [
          {
            "action": null,
            "approvedBy": null,
            "at": "2026-11-24T07:30:09.900Z",
            "comments": null,
            "compared": null,
            "declined": null,
            "id": "stage",
            "is": "nodes",
            "nodes": [
              "us-east-op-1",
              "us-east-op-2",
              "us-east-op-3",
              "eu-west-op-1",
              "eu-west-op-2",
              "eu-west-op-3",
              "ap-south-op-1",
              "ap-south-op-2",
              "ap-south-op-3",
            ],
            "rehearsal": null,
            "since": "2026-11-24T07:30:00.100Z",
            "state": "done",
            "title": "staging",
          },
          {
            "action": null,
            "approvedBy": null,
            "at": "2026-11-24T07:31:26.400Z",
            "comments": null,
            "compared": null,
            "declined": null,
            "id": "nodes/us-east",
            "is": "nodes",
            "nodes": [
              "us-east-op-1",
              "us-east-op-2",
              "us-east-op-3",
            ],
            "rehearsal": null,
            "since": "2026-11-24T07:30:09.900Z",
            "state": "done",
            "title": "us-east",
          },
          {
            "action": null,
            "approvedBy": null,
            "at": "2026-11-24T08:31:27.500Z",
            "comments": null,
            "compared": [],
            "declined": null,
            "id": "watch/us-east",
            "is": "watch",
            "nodes": [
              "us-east-op-1",
              "us-east-op-2",
              "us-east-op-3",
            ],
            "rehearsal": null,
            "since": "2026-11-24T07:31:26.400Z",
            "state": "done",
            "title": "us-east",
          },
          {
            "action": null,
            "approvedBy": [],
            "at": null,
            "comments": [],
            "compared": null,
            "declined": null,
            "id": "approval/eu-west",
            "is": "approval",
            "nodes": null,
            "rehearsal": null,
            "since": "2026-11-24T08:31:27.500Z",
            "state": "active",
            "title": "eu-west",
          },
        ],
        "recovery": null,
        "requester": "U0ROSA",
        "revision": 503,
        "run": 1,
        "service": "zeitwork-operator",
        "services": null,
        "signedBy": {
          "key": "SHA256:KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK",
          "name": "ana",
        },
        "startAt": null,
        "startedAt": "2026-11-24T07:30:11.100Z",
        "status": {
          "by": null,
          "is": "running",
          "node": null,
          "reason": null,
          "scope": null,
          "since": null,
        },
        "strategy": "regions",
        "taken": [],
        "version": "v2.0.0",
        "waiting": [
          {
            "since": "2026-11-24T08:31:27.500Z",
            "waits": "approval/eu-west",
          },
        ],
      }
    `);
    expect(rollout.nodes).toHaveLength(9);
  });

  it('name every gate, who opens it and when', async () => {
    const here = trial();
    expect((await ask(here, 'U0LU', 'why')).outcome).toBe('refused');
    await under(here, euWestAsked);
    const { facts } = await ask(here, 'U0LU', 'why');
    expect(facts).toMatchObject({
      node: { node: 'eu-west-op-1', region: 'eu-west', state: 'ready' },
      gates: [
        {
          gate: 'approval',
          reason: 'eu-west is not approved',
          owner: 'the approvers of eu-west',
          opensAt: null,
          seen: 'now',
        },
      ],
    });
    expect((await ask(here, 'U0LU', 'why us-east-op-1')).facts).toMatchObject({ node: { state: 'done' }, gates: [] });
  });

  it('list the nodes when nothing runs, and what is not right', async () => {
    const fleet = trialFleet();
    const looks = surveyOf(fleet, {
      'us-east-op-1': { version: 'v2.0.0', sha256: newImage },
      'us-east-op-2': { version: 'v2.0.0', sha256: oldImage },
      'eu-west-op-3': { healthy: false, detail: '503 <starting>', unit: 'activating/auto-restart' },
    });
    const here = trial({ fleet, looks });
    expect((await ask(here, 'U0LU', 'status')).facts).toMatchObject({ rollout: null, last: null });
    const { facts } = await ask(here, 'U0LU', 'verify');
    expect(facts).toMatchObject({
      right: false,
      complaints: [
        { node: 'us-east-op-2', is: 'other-image' },
        { node: 'eu-west-op-3', is: 'unhealthy' },
        { node: 'eu-west-op-3', is: 'unit' },
      ],
      notCompared: ['v1.0.0'],
      newestRelease: 'v2.0.0',
      notAccepted: [],
    });
    expect(JSON.parse(JSON.stringify(facts?.nodes))[5]).toEqual({
      node: 'eu-west-op-3',
      region: 'eu-west',
      version: 'v1.0.0',
      sha256: oldImage,
      healthy: false,
      detail: '503 <starting>',
      unit: 'activating/auto-restart',
      seenAt: new Date(tuesday).toISOString(),
    });
  });

  it('tell windows as instants', async () => {
    const { facts } = await ask(trial({ fleet: trialFleet({}, 'guide') }), 'U0LU', 'windows');
    expect(facts).toMatchObject({
      regions: [
        {
          region: 'us-east',
          zone: 'America/New_York',
          windows: [{ days: ['tue', 'wed', 'thu'], from: '02:00', to: '06:00', weeks: null }],
          is: 'open',
          openUntil: '2026-11-24T11:00:00.000Z',
          frozen: null,
        },
        { region: 'eu-west', is: 'closed', openUntil: null, opensAt: '2026-11-25T02:00:00.000Z' },
        { region: 'ap-south', is: 'closed', openUntil: null, opensAt: '2026-11-24T20:30:00.000Z' },
      ],
    });
  });

  it('tell past rollouts, a diagnosis and who one is', async () => {
    const here = trial();
    await under(here, oneDone);
    expect((await ask(here, 'U0LU', 'history')).facts).toMatchObject({ rollouts: [{ id: 'r1', version: 'v2.0.0' }] });
    expect((await ask(here, 'U0OTTO', 'diagnose us-east-op-1')).facts).toEqual({
      captured: null,
      node: 'us-east-op-1',
      summary: 'the database refuses connections',
      evidence: ['dial tcp: connection refused <!channel>'],
      causes: null,
      bundle: null,
      without: null,
    });
    expect((await ask(here, 'U0OTTO', 'whoami')).facts).toMatchObject({
      actor: 'U0OTTO',
      rights: ['look', 'diagnose', 'halt', 'go-back'],
      approvers: [{ region: 'us-east', users: [], groups: ['S0APPROVERS'] }, {}, {}],
    });
  });
});
