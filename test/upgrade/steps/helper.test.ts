import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headerBytes, helperRequest, type Presented } from '../../../src/base/helper-request.ts';
import { openKey, type SigningKey } from '../../../src/trust/index.ts';
import { last, read } from '../../../src/upgrade/host/answer.ts';
import * as commands from '../../../src/upgrade/host/commands.ts';
import { surveyForWork } from '../../../src/upgrade/host/index.ts';
import { orderText, troublesIn } from '../../../src/upgrade/rollout/index.ts';
import type { Command } from '../../../src/upgrade/ssh/types.ts';
import { HelperTrial, node } from './helper-node.ts';
import { build } from './little-node.ts';
import { service } from './support.ts';
import { backups, binary, env, state } from './trial.ts';

// Every command is some seventy processes behind a login of its own; on a busy machine that adds up.
const patience = 240_000;

it('a node whose helper takes orders goes there, back and there again by those of its turn alone', {
  timeout: patience,
}, async () => {
  const trial = await new HelperTrial().open();
  try {
    const back = trial.signed('return', { epoch: 8 });
    const orders = { stage: trial.signed('stage'), change: trial.signed('change') };
    const ways = [
      'backup',
      'switch',
      'verify',
      'restore',
      'verify-restored',
      'stage',
      'backup',
      'switch',
      'verify',
    ] as const;
    for (const step of ['stage', ...ways, 'cleanup'] as const) {
      trial.present = () => ({ order: step === 'stage' ? orders.stage : orders.change, back });
      expect(await trial.go(step), step).toMatchObject({ is: 'succeeded' });
      // As `next` has it of a rehearsal.
      if (step === 'verify-restored') trial.run = { ...trial.run, touched: false, proof: null, rehearsedAt: 1 };
      expect(trial.node.read(binary), step).toBe(build(trial.run.touched && step !== 'restore' ? 'v2.0.0' : 'v1.0.0'));
    }
    expect(trial.node.restarts()).toBe(3);
    expect(trial.node.exec(`find ${state}/backups -name binary | wc -l`).trim()).toBe('1');
  } finally {
    await trial.close();
  }
});

describe('a node whose helper takes orders', { timeout: patience }, () => {
  let trial: HelperTrial;
  let stranger: SigningKey;
  let original = '';
  beforeAll(async () => {
    trial = await new HelperTrial().open();
    stranger = await openKey(join(trial.keys, 'stranger.key'));
    original = trial.node.read(binary) + trial.node.read(env) + trial.node.modeOf(env);
    trial.present = () => ({ order: trial.signed('stage'), back: trial.signed('return', { epoch: 8 }) });
    expect(await trial.go('stage')).toMatchObject({ is: 'succeeded' });
    trial.present = () => ({ order: trial.signed('change'), back: null });
    expect(await trial.go('backup')).toMatchObject({ is: 'succeeded' });
  }, patience);
  afterAll(() => trial.close());

  /** All of the node but what only saves time. */
  const everything = () => trial.node.snapshot() + trial.node.read(`${state}/epoch`);
  const was = () => {
    if (trial.run.before === null) throw new Error('nothing was staged');
    return trial.run.before;
  };
  const turn = (epoch = 7) => ({ rollout: { ...trial.plan, epoch }, node: { name: node }, attempt: trial.run.attempt });
  const ask = async (command: Command, presented?: Presented) =>
    read(await trial.shell.run(node, { ...command, ...(presented ? { presented } : {}) }));
  const only = (order: Presented['order']): Presented => ({ order, back: null });
  const refusedAs = (word: string, detail = /./) => ({ is: 'refused', word, detail: expect.stringMatching(detail) });
  const flipped = (text: string, at: number) => {
    const bytes = Buffer.from(text, 'base64');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes.toString('base64');
  };

  describe('changes nothing', () => {
    let untouched = '';
    beforeAll(() => {
      untouched = everything();
    });
    const stillThere = () => expect(everything()).toBe(untouched);

    const orders: [string, () => Presented | undefined, string, RegExp][] = [
      ['no order', () => undefined, 'no-order', /switch/],
      ['an order signed by another key', () => only(trial.signed('change', {}, stranger)), 'order', /signature/],
      ['an order for another fleet', () => only(trial.signed('change', { fleet: 'other' })), 'order', /another fleet/],
      [
        'an order for another node',
        () => only(trial.signed('change', { node: 'us-east-op-2' })),
        'order',
        /another node/,
      ],
      ['an order for another unit', () => only(trial.signed('change', { unit: 'sshd' })), 'order', /another unit/],
      [
        'an order for another release',
        () => only(trial.signed('change', { release: 'c'.repeat(64) })),
        'order',
        /another release/,
      ],
      ['an order of another run', () => only(trial.signed('change', { epoch: 8 })), 'order', /number is 8, not 7/],
      [
        'an order that is over',
        () => only(trial.signed('change', { notAfter: Date.now() - 2_000 })),
        'order',
        /good until .*Z/,
      ],
      ['an order to stage', () => only(trial.signed('stage')), 'order', /class stage does not allow switch/],
      ['an order to go back', () => only(trial.signed('return')), 'order', /class return does not allow switch/],
      [
        'an order that says one thing twice',
        () => only(trial.signedText(`${orderText(trial.order('return'))}class change\n`)),
        'order',
        /one thing twice/,
      ],
      [
        'an order with one byte changed',
        () => only({ ...trial.signed('change'), text: flipped(trial.signed('change').text, 40) }),
        'order',
        /signature/,
      ],
      [
        'a signature with one byte changed',
        () => only({ ...trial.signed('change'), signature: flipped(trial.signed('change').signature, 200) }),
        'order',
        /signature/,
      ],
    ];
    it.each(orders)('for %s', async (_, presented, word, detail) => {
      expect(await ask(commands.switchOver(turn(), was()), presented())).toMatchObject(refusedAs(word, detail));
      stillThere();
    });

    it('for an order of an older run, however good it is', async () => {
      const old = only(trial.signed('change', { epoch: 6 }));
      expect(await ask(commands.switchOver(turn(6), was()), old)).toMatchObject(refusedAs('fenced'));
      const archive = { ...commands.receive(turn(6)), file: trial.release.path };
      expect(await ask(archive, only(trial.signed('stage', { epoch: 6 })))).toMatchObject(refusedAs('fenced'));
      stillThere();
    });

    const foreign: [string, RegExp | string, string][] = [
      ['unit', /^unit=.*/, 'unit=ssh'],
      ['unit as a path', /^unit=.*/, 'unit=../../etc'],
      ['binary', /^binary=.*/, 'binary=/bin/sh'],
      ['environment file', /^env=.*/, 'env=/etc/shadow'],
      ['staged file elsewhere', /^staged=.*/, 'staged=/tmp/evil'],
      ['staged file in another folder', /\.v2\.0\.0-/, '.x/../../../tmp/evil-'],
      ['backup elsewhere', /^backup=.*/, 'backup=/tmp/evil'],
      ['backup in another folder', /backups\//, 'backups/../../'],
      ['hash with a pattern', /^before=.*/, 'before=*'],
      ['number', /^epoch=.*/, 'epoch=7 8'],
      ['negative number', /^try=.*/, 'try=-1'],
      ['word of a command', /^try=.*/, '--'],
      ['name of an argument', /^try=.*/, 'PATH=/tmp'],
    ];
    it.each(foreign)('for another %s than its own', async (_, pattern, value) => {
      const command = commands.switchOver(turn(), was());
      const args = command.args.map((each) => (new RegExp(pattern).test(each) ? each.replace(pattern, value) : each));
      expect(args).not.toEqual(command.args);
      const answer = await ask({ ...command, args }, only(trial.signed('change')));
      expect(answer).toMatchObject({ is: 'refused', word: expect.stringMatching(/^(?:argument|policy|request)$/) });
      stillThere();
    });

    it('for another binary than its own, with what is staged beside that one', async () => {
      const command = commands.switchOver(turn(), was());
      const args = command.args.map((each) => each.replace(/^((?:binary|staged)=\S*)zeitwork-operator/, '$1other'));
      expect(args).not.toEqual(command.args);
      expect(await ask({ ...command, args }, only(trial.signed('change')))).toMatchObject(
        refusedAs('policy', /binary/),
      );
      stillThere();
    });

    it('for a way back to a backup that the order does not name', async () => {
      const kept = commands.restore(turn(), was());
      const elsewhere = only(trial.signed('return', { madeUnder: 6 }));
      expect(await ask(kept, elsewhere)).toMatchObject(refusedAs('order', /way back to this backup/));
      const another = only(trial.signed('return', { madeUnder: 6, backup: `${'d'.repeat(64)} -` }));
      expect(await ask(kept, another)).toMatchObject(refusedAs('order', /way back to this backup/));
      stillThere();
    });

    it('for a backup under a name that is not its own, nor learns it as a way back', async () => {
      const old = `${backups}/v0.9.0-${'9'.repeat(12)}-noenv`;
      trial.node.write(`${old}/binary`, build('v0.9.0'), 0o755);
      // The try that the node saw last, so that even its number stays.
      const command = commands.backup({ ...turn(), attempt: trial.run.attempt - 1 }, was(), false);
      const args = command.args.map((each) => each.replace(/(?<=^backup=.*\/)[^/]*$/, old.split('/').at(-1) ?? ''));
      expect(await ask({ ...command, args }, only(trial.signed('change')))).toMatchObject(
        refusedAs('argument', /backup/),
      );
      expect(trial.node.read(`${state}/made`)).not.toContain('v0.9.0');
      trial.node.exec(`rm -r ${old}`);
      stillThere();
    });

    it('for the key used by hand: only the helper answers, whatever is asked', async () => {
      const look = commands.glance(service, 5_000);
      const request = helperRequest({ ...look, args: look.args.map(trial.moved) });
      for (const words of [
        ['sudo', '-n', 'sh', '-c', 'id'],
        ['cat', '/etc/shadow'],
        ['sudo -n cat /etc/shadow'],
        ['PATH=/tmp LD_PRELOAD=/tmp/x.so IFS=/ BASH_ENV=/tmp/x ENV=/tmp/x sh'],
        ["';id;'"],
      ]) {
        const { out } = await trial.byHand(request, ...words);
        expect(out).toMatch(/@@zw end ok\n$/);
        expect(out).not.toMatch(/uid=|root:/);
      }
      for (const text of [
        '',
        'id\n',
        'verb=look\nend\n',
        'verb=sh\nlimit=5\nunit=zeitwork-operator\nend\n',
        `verb=$(id)\nend\n`,
      ]) {
        const { out } = await trial.byHand(text.padEnd(headerBytes, '\n'));
        expect(out).toMatch(/^@@zw refused (?:request|verb|argument|policy) /);
        expect(out).not.toMatch(/uid=/);
      }
      const sftp = await trial.byHand('', '-s', 'sftp');
      expect(sftp.out).toMatch(/refused request/);
      stillThere();
    });

    it('for an archive that is longer, shorter or another than was announced', async () => {
      const order = only(trial.signed('stage'));
      const file = join(trial.folder, 'evil');
      const size = trial.release.archiveBytes;
      for (const [content, word] of [
        ['x'.repeat(size + 1), 'size'],
        ['x'.repeat(size - 1), 'size'],
        ['x'.repeat(size), 'upload'],
      ] as const) {
        writeFileSync(file, content);
        expect(await ask({ ...commands.receive(turn()), file }, order)).toMatchObject(refusedAs(word));
      }
      const huge = { ...trial.plan, release: { ...trial.release, archiveBytes: 3 * 1024 ** 3 } };
      const command = commands.receive({ ...turn(), rollout: huge });
      expect(await ask({ ...command, file }, order)).toMatchObject(refusedAs('size'));
      const wrong = only(trial.signed('stage', { archive: 'e'.repeat(64) }));
      expect(await ask({ ...commands.receive(turn()), file: trial.release.path }, wrong)).toMatchObject(
        refusedAs('order', /another archive/),
      );
      expect(trial.node.exec(`find ${state}/incoming -type f`)).toBe('');
      stillThere();
    });

    it('outside its place for a link that lies where the archive goes', async () => {
      const victim = join(trial.folder, 'victim');
      writeFileSync(victim, 'untouched');
      const place = trial.node.path(`${state}/incoming/${trial.plan.id}`);
      mkdirSync(place, { recursive: true });
      symlinkSync(victim, join(place, 'archive'));
      const archive = { ...commands.receive(turn()), file: trial.release.path };
      expect(await ask(archive, only(trial.signed('stage')))).toMatchObject({ is: 'ok' });
      expect(trial.node.exec(`cat ${victim}`)).toBe('untouched');
      trial.node.exec(`rm -r ${place}`);
      stillThere();
    });

    it('while others may write to its policy or to the list of signers', async () => {
      for (const kind of ['policy', 'signers']) {
        const file = `etc/zeitwork-node/${service.unit}.${kind}`;
        trial.node.exec(`chmod 666 ${file}`);
        const answer = await ask(commands.switchOver(turn(), was()), only(trial.signed('change')));
        expect(answer).toMatchObject(refusedAs('policy', /others may write/));
        trial.node.exec(`chmod 644 ${file}`);
      }
      stillThere();
    });
  });

  it('shows what it is, and looks without an order', async () => {
    trial.present = () => null;
    expect(await ask(commands.glance(service, 5_000))).toMatchObject({ is: 'ok' });
    expect(await trial.go('diagnose')).toMatchObject({ is: 'succeeded' });
    const listed = await ask(commands.listBackups(service, 5_000));
    expect(listed).toMatchObject({ is: 'ok' });
    if (listed.is === 'ok')
      expect(listed.output.get('return')?.[0]).toContain(trial.signed('return', { epoch: 8 }).text.slice(0, 40));
  });

  it('is looked at for a plan without an order, and told apart from one of other settings', async () => {
    const about = await ask(commands.aboutHelper(service, 5_000));
    if (about.is !== 'ok') throw new Error(about.is);
    const installed = Object.fromEntries(
      ['helper', 'policy', 'signers'].map((part) => [part, last(about.output, part) ?? '']),
    );
    const troubles = async (wanted: Record<string, string>) => {
      const parts = { service, shell: trial.shell, probe: trial.node, now: Date.now, helper: () => wanted };
      const seen = await surveyForWork(node, 'us-east', parts, 20_000);
      expect(seen).toMatchObject({ healthy: true, unit: 'active/running', version: 'v1.0.0' });
      return seen.fitness === undefined ? null : troublesIn(seen.fitness, service, null);
    };
    trial.present = () => null;
    expect(await troubles(installed)).toEqual([]);
    expect(await troubles({ ...installed, policy: 'x', signers: 'y' })).toEqual([
      { text: 'its helper is not what these settings make: policy, signers', stops: true },
    ]);
  });

  it('goes to the release and back by orders, as through sudo, and writes down what it was asked', async () => {
    trial.present = () => ({ order: trial.signed('change'), back: null });
    expect(await trial.go('switch', 'verify', 'cleanup')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary)).toBe(build('v2.0.0'));
    expect(trial.node.restarts()).toBe(1);
    expect(await trial.go('restore', 'verify-restored')).toMatchObject({ is: 'succeeded' });
    expect(trial.node.read(binary) + trial.node.read(env) + trial.node.modeOf(env)).toBe(original);
    expect(trial.node.read('syslog')).toMatch(/switch for r-1, change, epoch 7[\s\S]*restore for r-1, change, epoch 7/);
    expect(trial.node.read('syslog')).toMatch(/refused switch: order its signature is not good/);
  });
});
