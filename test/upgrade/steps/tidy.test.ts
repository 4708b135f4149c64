import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { short } from '../../../src/base/hash.ts';
import type { Pair } from '../../../src/upgrade/rollout/types.ts';
import { comeBack, findWayBack } from '../../../src/upgrade/steps/come-back.ts';
import { tidyNode } from '../../../src/upgrade/steps/tidy.ts';
import { fleetOf } from '../../support/rollouts.ts';
import { build, packed, sha256 } from './little-node.ts';
import { nodeRun } from './support.ts';
import { backups, binary, env, state, Trial } from './trial.ts';

const day = 86_400;
const rule = { stable: 14 * day * 1_000, keep: 2 };

let trial: Trial;
beforeEach(() => {
  trial = new Trial();
});
afterEach(() => trial.close());

const tidy = (more: Partial<typeof rule> = {}, spare: Pair | null = null) => {
  const { rollout, node, attempt, shell, signal } = trial.context();
  return tidyNode({ rollout, node, attempt, shell, signal }, spare, { ...rule, ...more });
};
const names = () => trial.node.exec(`ls -A ${backups}`).trim().split('\n').filter(Boolean).sort();
/** As if it had been made, or used, so many days ago. */
const age = (name: string, days: number) => trial.node.exec(`touch -d '${days} days ago' ${backups}/${name}`);

/** A whole backup of that version, with this environment. */
function lay(version: string, days: number, environment: string | null = 'A=1\n', content = build(version)): string {
  const [hash, envHash] = [sha256(content), environment === null ? '-' : sha256(environment)];
  const name = `${version}-${short(hash)}-${environment === null ? 'noenv' : envHash.slice(0, 8)}`;
  trial.node.write(`${backups}/${name}/binary`, content, 0o755);
  if (environment !== null) trial.node.write(`${backups}/${name}/env`, environment);
  trial.node.write(
    `${backups}/${name}/manifest`,
    `version ${version}\nbinary ${hash} root:root 755\nenv ${envHash} /etc/zeitwork/operator.env\n`,
  );
  age(name, days);
  return name;
}

/** From v1.0.0 by way of these to the last of them, each proven; what is on the node then is a month old. */
async function through(...versions: string[]): Promise<void> {
  for (const version of versions) {
    trial.use(packed(trial.folder, version));
    trial.plan = { ...trial.plan, epoch: trial.plan.epoch + 2 };
    trial.run = nodeRun();
    expect(await trial.go('stage', 'backup', 'switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
  }
  trial.node.exec(
    `n=40; for each in $(ls -1rt ${backups}); do touch -d "$n days ago" ${backups}/$each; n=$((n - 1)); done`,
  );
}

describe('a clean-up of backups of long ago', () => {
  it('leaves two pairs that restore: the node goes back to the newest, and then by hand to the other', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    expect(names()).toHaveLength(4);
    expect(await tidy()).toEqual({
      is: 'tidied',
      removed: [expect.stringMatching(/v1\.1\.0-/), expect.stringMatching(/v1\.0\.0-/)],
    });
    expect(names()).toEqual([expect.stringMatching(/^v1\.2\.0-/), expect.stringMatching(/^v1\.3\.0-/)]);
    // By its run.
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v1.3.0'));
    // With nothing but the node, from the other one, once the newest leads nowhere.
    trial.node.exec(`rm -rf ${backups}/v1.3.0-*`);
    const fleet = { ...fleetOf(), policy: trial.plan.policy, service: { ...trial.plan.service, traffic: null } };
    const { clock } = trial;
    const signal = new AbortController().signal;
    const way = await findWayBack({
      fleet,
      node: { name: 'us-east-op-1', region: 'us-east' },
      shell: trial.node,
      probe: trial.node,
      clock,
      signal,
    });
    if ('is' in way) throw new Error(JSON.stringify(way));
    expect(await comeBack(way)).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v1.2.0'));
  });

  it('does nothing the second time, restarts nothing, and leaves what runs byte for byte', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    const before = [trial.node.read(binary), trial.node.read(env), trial.node.restarts()];
    await tidy();
    const after = trial.node.snapshot();
    expect(await tidy()).toEqual({ is: 'tidied', removed: [] });
    expect(trial.node.snapshot()).toBe(after);
    expect([trial.node.read(binary), trial.node.read(env), trial.node.restarts()]).toEqual(before);
  });

  it('removes nothing that was made or used since', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    const young = names().find((name) => name.startsWith('v1.0.0')) ?? '';
    age(young, 13);
    for (const name of names().filter((each) => /^v1\.[123]/.test(each))) age(name, 3);
    expect(await tidy()).toMatchObject({ removed: [] });
    age(young, 15);
    expect(await tidy()).toMatchObject({ removed: [expect.stringContaining(young)] });
  });

  it('counts no backup that is damaged, and takes nothing for one that cannot be restored', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    const [, , , newest = ''] = names();
    trial.node.write(`${backups}/${newest}/binary`, 'damaged', 0o755);
    trial.run = { ...trial.run, before: null };
    age(newest, 36);
    expect(await tidy()).toMatchObject({
      removed: [expect.stringMatching(/v1\.3\.0-/), expect.stringMatching(/v1\.0\.0-/)],
    });
    expect(names()).toEqual([expect.stringMatching(/^v1\.1\.0-/), expect.stringMatching(/^v1\.2\.0-/)]);
  });

  it('counts none whose environment file is damaged or gone: a node goes back to both', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    const [, , , newest = ''] = names();
    trial.node.write(`${backups}/${newest}/env`, 'damaged');
    expect(await tidy()).toMatchObject({ removed: [expect.stringMatching(/v1\.0\.0-/)] });
    trial.node.exec(`rm ${backups}/${newest}/env`);
    expect(await tidy()).toMatchObject({ removed: [] });
    expect(names()).toHaveLength(3);
  });

  it('leaves what somebody else put among them', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    const [copied = ''] = names();
    const others = [
      'notes.txt',
      `${copied}.keep`,
      'before-the-move',
      'v1.0.0-0123456789ab-0123456',
      '-0123456789ab-noenv',
    ];
    for (const name of others)
      trial.node.exec(`cp -r ${backups}/${copied} ${backups}/./${name}; touch -d '99 days ago' ${backups}/./${name}`);
    await tidy();
    expect(names()).toEqual(
      [...others, ...names().filter((name) => /^v1\.[23]\.0-[0-9a-f]{12}-[0-9a-f]{8}$/.test(name))].sort(),
    );
    expect(names()).toHaveLength(others.length + 2);
  });

  it('keeps the pair that runs, the one that the last run came from and the newest proven before it, however old', async () => {
    await through('v2.0.0');
    const own = names()[0] ?? '';
    age(own, 400);
    const running = lay('v2.0.0', 300, trial.node.read(env));
    const proven = lay('v0.9.0', 200);
    const [one, other] = [lay('v1.8.0', 30), lay('v1.9.0', 31)];
    const [old, older] = [lay('v0.7.0', 40), lay('v0.8.0', 41)];
    const spare = { version: 'v0.9.0', sha256: sha256(build('v0.9.0')), envSha256: sha256('A=1\n') };
    expect(await tidy({}, spare)).toEqual({
      is: 'tidied',
      removed: [expect.stringContaining(old), expect.stringContaining(older)],
    });
    expect(names()).toEqual([own, running, proven, one, other].sort());
  });

  it('removes what was put aside long ago, and nothing else that lies there', async () => {
    await through('v2.0.0');
    const stamp = (days: number) => trial.node.exec(`date -u -d '${days} days ago' +%Y%m%dT%H%M%SZ`).trim();
    const [old, young] = [`${stamp(15)}-binary-0123456789ab`, `${stamp(13)}-environment-0123456789ab`];
    for (const name of [old, young, 'by-somebody']) trial.node.write(`${state}/aside/${name}`, 'x');
    expect(await tidy()).toMatchObject({ removed: [expect.stringContaining(old)] });
    expect(trial.node.exec(`ls ${state}/aside`).trim().split('\n')).toEqual([young, 'by-somebody'].sort());
    expect(trial.node.read(`${state}/aside.log`)).toContain(`removed ${old}`);
  });

  it.each<[string, Partial<typeof rule>]>([
    ['one backup', { keep: 1 }],
    ['an hour', { stable: 3_600_000 }],
  ])('is refused for less than two backups and a day: %s', async (_, more) => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    expect(await tidy(more)).toMatchObject({ is: 'left' });
    expect(names()).toHaveLength(4);
  });

  it('is left to a newer run, and where another binary lies there than runs', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    const plan = trial.plan;
    trial.plan = { ...plan, epoch: plan.epoch - 1 };
    expect(await tidy()).toEqual({ is: 'left', reason: expect.stringMatching(/a newer run owns this node/) });
    trial.plan = plan;
    trial.node.exec(`mv ${binary} ${binary}.old; cp ${binary}.old ${binary}; echo '#' >>${binary}`);
    expect(await tidy()).toMatchObject({ is: 'left', reason: expect.stringMatching(/somebody changed what runs/) });
    expect(names()).toHaveLength(4);
  });

  it('never leaves half a backup under its name, wherever it is killed', async () => {
    await through('v1.1.0', 'v1.2.0', 'v1.3.0', 'v2.0.0');
    trial.node.write(
      'bin/rm',
      `#!/bin/sh\ncase "$*" in *.gone.*) kill -KILL $PPID; exit 1 ;; esac\nexec /bin/rm "$@"\n`,
      0o755,
    );
    await tidy();
    trial.node.exec('rm bin/rm');
    expect(names().filter((name) => name.startsWith('.'))).not.toEqual([]);
    for (const name of names().filter((each) => !each.startsWith('.')))
      expect(trial.node.exec(`ls ${backups}/${name}`)).toMatch(/binary[\s\S]*manifest/);
    await tidy();
    expect(names()).toEqual([expect.stringMatching(/^v1\.2\.0-/), expect.stringMatching(/^v1\.3\.0-/)]);
  });
});

it('whatever lies there, two that restore stay, with all that is to stay; and what goes is old', {
  timeout: 120_000,
}, async () => {
  await through('v2.0.0');
  const own = names()[0] ?? '';
  const one = fc.record({ days: fc.integer({ min: 1, max: 60 }), whole: fc.boolean() });
  const many = fc.record({ all: fc.array(one, { maxLength: 6 }), keep: fc.integer({ min: 2, max: 4 }) });
  await fc.assert(
    fc.asyncProperty(many, async ({ all, keep }) => {
      for (const name of names().filter((each) => each !== own)) trial.node.exec(`rm -rf ${backups}/${name}`);
      age(own, 50);
      const laid = all.map(({ days, whole }, index) => ({
        ...{ days, whole, index },
        name: lay(`v1.0.${index}`, days),
      }));
      for (const { name, whole, days } of laid)
        if (!whole) {
          trial.node.write(`${backups}/${name}/binary`, 'x');
          age(name, days);
        }
      expect(await tidy({ keep })).toMatchObject({ is: 'tidied' });
      const left = names();
      const restorable = [{ name: own, days: 50 }, ...laid.filter(({ whole }) => whole)];
      const stays = restorable.filter(({ name }) => left.includes(name));
      expect(left).toContain(own);
      expect(stays.length).toBeGreaterThanOrEqual(Math.min(keep, restorable.length));
      for (const { name, days } of laid) if (days < 14) expect(left).toContain(name);
      // Those that stay are the newest.
      const gone = restorable.filter(({ name }) => !left.includes(name));
      for (const each of gone)
        expect(stays.filter(({ days }) => days <= each.days).length).toBeGreaterThanOrEqual(keep);
    }),
    { numRuns: 12 },
  );
});
