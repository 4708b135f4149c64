import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Presented } from '../../../src/base/helper-request.ts';
import { read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import { helperScript } from '../../../src/upgrade/host/helper/script.ts';
import type { Stranger } from '../../../src/upgrade/host/strangers.ts';
import type { Command } from '../../../src/upgrade/ssh/types.ts';
import { fingerprint } from '../../../src/upgrade/steps/foreign.ts';
import { HelperTrial, node } from './helper-node.ts';
import { sha256 } from './little-node.ts';
import { backups, binary, env, state } from './trial.ts';

// Every command is some seventy processes behind a login of its own; on a busy machine that adds up.
const patience = 240_000;

/** What somebody can do who stole the worker's key, and has read the orders that lie in Redis or on the node. */
describe('whoever holds the worker’s key and a good order', { timeout: patience }, () => {
  let trial: HelperTrial;
  beforeAll(async () => {
    trial = await new HelperTrial().open();
    trial.present = () => ({ order: trial.signed('stage'), back: trial.signed('return', { epoch: 8 }) });
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
  }, patience);
  afterAll(() => trial.close());

  const was = () => {
    if (trial.run.before === null) throw new Error('nothing was staged');
    return trial.run.before;
  };
  const turn = () => ({ rollout: trial.plan, node: { name: node }, attempt: trial.run.attempt });
  const ask = async (command: Command, presented: Presented, ...instead: [RegExp, string][]) => {
    const args = command.args.map((arg) => instead.reduce((text, [from, to]) => text.replace(from, to), arg));
    return read(await trial.shell.run(node, { ...command, args, presented }));
  };
  const only = (order: Presented['order']): Presented => ({ order, back: null });
  const kept = () => trial.node.exec(`ls ${backups}`).trim().split('\n');

  it('puts no other way back beside a backup than the one of the run that made it', async () => {
    const [name = ''] = kept();
    const lies = trial.node.read(`${backups}/${name}/return`);
    expect(lies).toContain(trial.signed('return', { epoch: 8 }).text.slice(0, 20));
    for (const back of [
      trial.signed('return', { epoch: 3, madeUnder: 2 }),
      trial.signed('return', { epoch: 8, madeUnder: 6 }),
      trial.signed('return', { rollout: 'r-other', epoch: 8 }),
      trial.signed('return'),
    ]) {
      const answer = await ask(commands.backup(turn(), was(), false), { order: trial.signed('change'), back });
      expect(answer).toMatchObject({ is: 'refused', word: 'order' });
      expect(trial.node.read(`${backups}/${name}/return`)).toBe(lies);
    }
  });

  it('makes no second backup of what has one, by which the first would be pruned', async () => {
    const [first = ''] = kept();
    for (const version of ['v1.0.1', 'v1.0.2', 'v1.0.3', 'v1.0.4', 'v1.0.5', 'v1.0.6']) {
      await ask(commands.backup(turn(), { ...was(), version }, false), only(trial.signed('change')));
    }
    expect(await ask(commands.cleanup(turn(), null, true), only(trial.signed('change')))).toMatchObject({ is: 'ok' });
    expect(kept()).toEqual([first]);
    const back = commands.restore(turn(), { ...was(), version: 'v1.0.9' });
    expect(await ask(back, only(trial.signed('change')))).toMatchObject({ is: 'ok' });
  });

  it('removes no backup without an order to tidy, none that is young, and with such an order does nothing else', async () => {
    await ask(commands.backup(turn(), was(), false), only(trial.signed('change')));
    const [own = ''] = kept();
    const lay = (n: number) => {
      const content = `build ${n}`;
      const name = `v0.${n}.0-${sha256(content).slice(0, 12)}-noenv`;
      trial.node.write(`${backups}/${name}/binary`, content, 0o755);
      trial.node.write(
        `${backups}/${name}/manifest`,
        `version v0.${n}.0\nbinary ${sha256(content)} root:root 755\nenv - ${env}\n`,
      );
      trial.node.exec(`touch -d '${n} days ago' ${backups}/${name}`);
      return name;
    };
    const all = [own, ...[20, 30, 40].map(lay)].sort();
    const old = { stable: 86_400_000, keep: 2 };
    for (const which of ['stage', 'change', 'return', 'recover'] as const)
      expect(await ask(commands.tidy(turn(), null, null, old), only(trial.signed(which)))).toMatchObject({
        is: 'refused',
        word: 'order',
      });
    const tidy = only(trial.signed('tidy'));
    for (const command of [
      commands.backup(turn(), was(), false),
      commands.switchOver(turn(), was()),
      commands.restore(turn(), was()),
    ])
      expect(await ask(command, tidy)).toMatchObject({ is: 'refused', word: 'order' });
    for (const [from, to] of [
      [/^keep=.*/, 'keep=0'],
      [/^older=.*/, 'older=60'],
      [/^spare=.*/, 'spare=/etc'],
    ] as const)
      expect(await ask(commands.tidy(turn(), null, null, old), tidy, [from, to])).toMatchObject({ is: 'refused' });
    expect(kept()).toEqual(all);
    expect(await ask(commands.tidy(turn(), null, null, old), tidy)).toMatchObject({ is: 'ok' });
    expect(kept()).toHaveLength(3);
    expect(kept()).toContain(own);
    trial.node.exec(`cd ${backups} && rm -rf v0.*`);
  });

  it('makes no backup under a name that is not made of its hashes', async () => {
    const before = kept();
    const named = ask(commands.backup(turn(), was(), false), only(trial.signed('change')), [
      /^(backup=.*\/).*/,
      '$1other',
    ]);
    expect(await named).toMatchObject({ is: 'refused', word: 'argument' });
    expect(kept()).toEqual(before);
  });

  it('takes the environment file away by no claim that there was none', async () => {
    await ask(commands.backup(turn(), was(), false), only(trial.signed('change')));
    const now = trial.node.read(env);
    const command = commands.restore(turn(), was());
    const args = command.args.map((arg) => arg.replace(/^before_env=.*/, 'before_env=-'));
    const claimed = { ...command, args: [...args, `replace_env=${sha256(now)}`] };
    expect(await ask(claimed, only(trial.signed('change')))).toMatchObject({ is: 'refused', word: 'argument' });
    expect(trial.node.read(env)).toBe(now);
  });

  it('replaces nobody’s work, and keeps none, that no person decided about', async () => {
    await ask(commands.backup(turn(), was(), false), only(trial.signed('change')));
    const recorded = trial.node.read(env);
    trial.node.exec(`printf 'ROTATED=yes\\n' >> ${env}`);
    const now = sha256(trial.node.read(env));
    const stranger = { part: 'env', sha256: now } as const;
    const over = commands.restore(turn(), was(), { replace: [stranger], keep: [] });
    const beside = commands.restore(turn(), was(), { replace: [], keep: [stranger] });
    const decidedAs = (as: 'replace' | 'keep', hash = now) =>
      only(trial.signed('change', { decided: { as, sha256: hash } }));
    const refused = { is: 'refused', word: 'order', detail: expect.stringMatching(/nobody decided/) };
    for (const command of [over, beside]) {
      expect(await ask(command, only(trial.signed('change')))).toMatchObject(refused);
      expect(await ask(command, only(trial.signed('return')))).toMatchObject(refused);
      expect(await ask(command, decidedAs('replace', 'a'.repeat(64)))).toMatchObject(refused);
    }
    expect(await ask(over, decidedAs('keep'))).toMatchObject(refused);
    const more = { ...over, args: [...over.args, `replace_disk=${'b'.repeat(64)}`] };
    expect(await ask(more, decidedAs('replace'))).toMatchObject(refused);
    expect(sha256(trial.node.read(env))).toBe(now);
    expect(await ask(beside, decidedAs('keep'))).toMatchObject({ is: 'ok' });
    expect(sha256(trial.node.read(env))).toBe(now);
    expect(await ask(over, decidedAs('replace'))).toMatchObject({ is: 'ok' });
    expect(trial.node.read(env)).toBe(recorded);
  });

  it('has work of several parts replaced as they were decided about together, and not one by one', async () => {
    await ask(commands.backup(turn(), was(), false), only(trial.signed('change')));
    const both = [
      { part: 'env', sha256: 'c'.repeat(64) },
      { part: 'disk', sha256: 'd'.repeat(64) },
    ] as const;
    const order = only(trial.signed('change', { decided: { as: 'replace', sha256: fingerprint([...both]) } }));
    const restore = (replace: Stranger[]) => commands.restore(turn(), was(), { replace, keep: [] });
    expect(await ask(restore([...both]), order)).toMatchObject({ is: 'ok' });
    for (const one of both) expect(await ask(restore([one]), order)).toMatchObject({ is: 'refused', word: 'order' });
  });

  it('fills the disk neither with several archives at once, nor with parts of them, nor with a larger one than was ordered', async () => {
    const order = only(trial.signed('stage'));
    const archive = { ...commands.receive(turn()), file: trial.release.path };
    const place = trial.node.path(state);
    const held = spawn('flock', ['-x', join(place, 'receiving'), 'sh', '-c', 'echo held; read -r _']);
    try {
      await once(held.stdout, 'data');
      expect(await ask(archive, order)).toMatchObject({ is: 'refused', word: 'busy' });
    } finally {
      held.stdin.end('\n');
      await once(held, 'exit');
    }
    const folder = join(place, 'incoming', trial.plan.id);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.receiving.99999'), 'half of it');
    expect(await ask(archive, order)).toMatchObject({ is: 'ok' });
    expect(readdirSync(folder)).toEqual(['archive']);
    const other = only(trial.signed('stage', { bytes: trial.release.archiveBytes - 1 }));
    expect(await ask(archive, other)).toMatchObject({
      is: 'refused',
      word: 'order',
      detail: expect.stringMatching(/another size/),
    });
  });

  it('ends no stop halfway by the time that it gives it', async () => {
    const hurried = { ...commands.switchOver(turn(), was()), timeoutMs: 1_000 };
    expect(await ask(hurried, only(trial.signed('change')))).toMatchObject({ is: 'refused', word: 'argument' });
  });

  it('runs no command of its own as one for traffic, nor as a question for the version', async () => {
    const marker = trial.node.path('owned');
    const own = ['--', '/usr/bin/touch', marker];
    for (const name of ['drain', 'undrain', 'observe', 'look around', 'look', 'switch'] as const) {
      const { args, ...command } = commands.lookUnderLock(turn());
      const asked = { ...command, name, timeoutMs: 120_000, args: [...args, ...own] };
      expect(await ask(asked, only(trial.signed('change')))).toMatchObject({
        is: 'refused',
        word: expect.stringMatching(/^(?:policy|argument)$/),
        detail: expect.stringMatching(/^words/),
      });
    }
    expect(trial.node.has('owned')).toBe(false);
  });

  it('removes backups only in a turn that was opened', async () => {
    const removal = commands.cleanup(turn(), null, true);
    for (const which of ['stage', 'return'] as const)
      expect(await ask(removal, only(trial.signed(which)))).toMatchObject({ is: 'refused', word: 'order' });
  });

  // No order names a try: it is signed before any is counted. What keeps an earlier one out is the fence.
  it('replays nothing of an earlier try, although the same order allowed it', async () => {
    const [order, staging] = [only(trial.signed('change')), only(trial.signed('stage'))];
    const at = (attempt: number) => ({ ...turn(), attempt });
    const { attempt } = trial.run;
    const archive = { ...commands.receive(at(attempt)), file: trial.release.path };
    const earlier: [Command, Presented][] = [
      [archive, staging],
      [commands.stage(at(attempt), was(), null), staging],
      [commands.lookUnderLock(at(attempt)), order],
      [commands.backup(at(attempt), was(), false), order],
      [commands.switchOver(at(attempt), was()), order],
      [commands.restore(at(attempt), was()), order],
      [commands.restore(at(attempt), was()), only(trial.signed('return'))],
      [commands.cleanup(at(attempt), null, true), order],
    ];
    expect(await ask(commands.lookUnderLock(at(attempt + 1)), order)).toMatchObject({ is: 'ok' });
    const before = [trial.node.read(env), trial.node.read(binary), kept()];
    for (const [command, presented] of earlier)
      expect(await ask(command, presented), command.name).toMatchObject({ is: 'refused', word: 'fenced' });
    expect([trial.node.read(env), trial.node.read(binary), kept()]).toEqual(before);
    // A new run has its own order, and its tries begin anew: a number that somebody made up stops nobody for longer.
    expect(await ask(commands.lookUnderLock(at(999_999_999)), order)).toMatchObject({ is: 'ok' });
    const next = { ...at(1), rollout: { ...trial.plan, epoch: 9 } };
    expect(await ask(commands.lookUnderLock(next), only(trial.signed('change', { epoch: 9 })))).toMatchObject({
      is: 'ok',
    });
  });
});

it('needs no room on a full disk to be told what to do', () => {
  // bash, which is sh on some systems, writes a here-document into a file.
  expect(helperScript()).not.toMatch(/<</);
});
