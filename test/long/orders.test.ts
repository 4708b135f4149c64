import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headerBytes, helperRequest, type Presented, type SignedOrder } from '../../src/base/helper-request.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { openKey, type SigningKey, sshSignature } from '../../src/trust/index.ts';
import * as commands from '../../src/upgrade/host/commands.ts';
import { orderNamespace } from '../../src/upgrade/host/helper/policy.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Command } from '../../src/upgrade/ssh/types.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, type Shown, shown, startProduct } from '../support/product.ts';
import {
  fleetStatus,
  freshFleet,
  home,
  inside,
  offerRelease,
  type RealNode,
  sayWhyNot,
} from '../support/real-fleet.ts';

const why = sayWhyNot('Orders by hand, and a way back with nothing but SSH,');

const policy = {
  soak: '1s',
  canarySoak: '1s',
  pause: '200ms',
  bake: '1s',
  watch: '500ms',
  healthDeadline: '30s',
  retryDelay: '1s',
};

/** Started by one person; staged and waiting for its approval; with a login that may do more than the helper, but not as root. */
const [begun, waiting, open] = ['us-east-op-1', 'eu-west-op-1', 'eu-west-op-2'] as const;

const helper = '/usr/local/sbin/zeitwork-node';
const marker = '/tmp/owned';
const decoded = (text: string) => Buffer.from(text, 'base64').toString();
const encoded = (text: string) => Buffer.from(text).toString('base64');

/** Whoever holds the worker's private key, with the plain clients of OpenSSH. */
const byKey = (program: 'ssh' | 'scp' | 'sftp', words: string[], stdin: string | Buffer = ''): Promise<Shown> => {
  const child = spawn(program, ['-F', join(home, 'ssh_config'), '-o', 'ConnectTimeout=10', ...words]);
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  return shown(child);
};

/** What an attacker would want to change: every file that somebody may run or that root goes by, and which run of the service it is. */
const truthOf = async (node: string): Promise<string> => {
  const told = await inside(
    node,
    `cd /; find usr/local etc home root tmp var/tmp var/spool var/lib/zeitwork-upgrades -xdev \\
       -path '*/digests' -prune -o -path 'tmp/systemd-private-*' -prune -o \\( -type f -o -type l -o -type d \\) -print0 2>/dev/null |
       sort -z >/run/names
     xargs -0 stat -c '%n %F %U:%G %a' </run/names
     xargs -0 sh -c 'for f; do [ ! -f "$f" ] || sha256sum "$f"; done' - </run/names
     echo epoch; cat /var/lib/zeitwork-upgrades/zeitwork-operator/epoch 2>/dev/null || echo none
     systemctl show zeitwork-operator -p InvocationID -p NRestarts -p ActiveState -p MainPID`,
  );
  // Nothing, compared with nothing, would be the same.
  expect(told).toMatch(/^[0-9a-f]{64} {2}usr\/local\/bin\/zeitwork-operator$/m);
  expect(told).toMatch(/^epoch\n\d{20} \d{20}$/m);
  expect(told).toMatch(/^InvocationID=[0-9a-f]{32}$/m);
  return told;
};

const installation = (node: string): Promise<string> =>
  inside(
    node,
    'cd /; for f in usr/local/bin/zeitwork-operator etc/zeitwork/operator.env; do sha256sum $f; stat -c "%U:%G %a" $f; done',
  );
const invocation = (node: string): Promise<string> =>
  inside(node, 'systemctl show zeitwork-operator -p InvocationID --value');

describe.skipIf(why !== null)('on real nodes, whoever holds the worker’s key', () => {
  let names: string[] = [];
  let product: Product;
  let talk: Conversation;
  let decisions: SigningKey;
  let stranger: SigningKey;
  let rollout: Rollout;
  let original: string;
  const releases = mkdtempSync(join(tmpdir(), 'zeitwork-releases-'));
  const loot = mkdtempSync(join(tmpdir(), 'zeitwork-loot-'));

  const serves = async (version: string, ...which: string[]) => {
    const rows = (await fleetStatus()).filter(({ node }) => which.includes(node));
    return rows.length === which.length && rows.every((row) => row.serves === version);
  };
  /** As its owner would by docs/node-helper.md: installed over SSH, and the key's only program from then on. */
  const install = async ({ name, keyFile }: RealNode, isForced: boolean) => {
    const { code, out } = await product.shell('helper', 'install', '--node', name);
    expect(code).toBe(0);
    const installed = await byKey('ssh', [name, 'sudo sh'], out);
    expect(installed).toMatchObject({ code: 0, out: expect.stringMatching(/^installed/m) });
    const forced = `s|^|command="sudo -n ${helper}",restrict |`;
    const more = isForced ? `sed -i '${forced}' .ssh/authorized_keys; ` : '';
    expect(keyFile).toBe(join(home, 'id_ed25519'));
    expect(await byKey('ssh', [name, `${more}sudo rm /etc/sudoers.d/ops`])).toMatchObject({ code: 0 });
  };
  /** An upgrade as far as one person gets it: the first region is done, the second is staged and waits for its approver. */
  const upTo = async (version: string) => {
    await talk.type(`upgrade ${version} --strategy regions`);
    await talk.click('Start');
    await talk.until(
      `${version} waits for eu-west’s approver, staged`,
      async () => {
        const newest = await talk.newest();
        if (newest?.release.version !== version || newest.status.is !== 'running') return false;
        const staged = newest.nodes[waiting]?.state.is === 'ready' && newest.nodes[waiting].before !== null;
        return staged && newest.phases.some((phase) => phase.is === 'approval' && phase.state.is === 'active');
      },
      240_000,
    );
    const found = await talk.newest();
    if (found === undefined) throw new Error('there is no rollout');
    return found;
  };

  /** What lies in Redis for a rollout, by `node class epoch`: a thief may have read all of it. */
  const ordersOf = async ({ id }: Rollout): Promise<Record<string, SignedOrder>> => {
    const stored = await product.redis.handle.caller.hgetall(keysOf('trial').orders(id));
    return Object.fromEntries(
      Object.entries(stored).map(([field, value]) => {
        const [text = '', signature = ''] = value.split(' ');
        return [field, { text, signature }];
      }),
    );
  };
  const orderOf = async (of: Rollout, node: string, which: string, epoch = of.epoch): Promise<SignedOrder> => {
    const found = (await ordersOf(of))[`${node} ${which} ${epoch}`];
    if (found === undefined) throw new Error(`no order ${which} for ${node} under ${epoch}`);
    return found;
  };
  const edited = (order: SignedOrder, change: Record<string, string>): string =>
    Object.entries(change).reduce(
      (text, [line, value]) => text.replace(new RegExp(`^${line} .*$`, 'm'), `${line} ${value}`),
      decoded(order.text),
    );
  const signed = (text: string, key = decisions, namespace = orderNamespace): SignedOrder => ({
    text: encoded(text),
    signature: encoded(sshSignature(key, namespace, text)),
  });

  const nodeIn = (of: Rollout, node: string) => {
    const run = of.nodes[node];
    if (run?.before == null) throw new Error(`${node} was not staged`);
    return { before: run.before, turn: { rollout: of, attempt: run.attempt, node: { name: node } } };
  };
  const switchIn = (of: Rollout, node: string): Command => {
    const { turn, before } = nodeIn(of, node);
    return commands.switchOver(turn, before);
  };
  const stageIn = (of: Rollout, node: string): Command => {
    const { turn, before } = nodeIn(of, node);
    return commands.stage(turn, before, null);
  };
  const only = (order: SignedOrder): Presented => ({ order, back: null });
  const asks = (command: Command, presented?: Presented): string =>
    helperRequest(presented === undefined ? command : { ...command, presented });
  const sends = (node: string, stdin: string | Buffer) => byKey('ssh', ['-T', node, `sudo -n -- ${helper}`], stdin);

  beforeAll(async () => {
    const nodes = (await freshFleet()).filter(({ name }) => /^(?:us-east|eu-west)-op-[123]$/.test(name));
    names = nodes.map(({ name }) => name);
    for (const version of ['v1.0.0', 'v2.0.0']) offerRelease(releases, version);
    product = await startProduct({ releases, policy, ssh: { become: 'helper' }, nodes });
    talk = new Conversation(product);
    for (const node of nodes) await install(node, node.name !== open);
    original = await installation(begun);
    decisions = await openKey(join(product.redis.dir, 'keys', 'bot.key'));
    stranger = await openKey(join(loot, 'stranger.key'));
    rollout = await upTo('v2.0.0');
  });
  afterAll(async () => {
    await product?.close();
    for (const each of [releases, loot]) rmSync(each, { recursive: true, force: true });
  });

  it('meets nodes that were installed as they should be, upgraded through the helper', async () => {
    const doctor = await product.shell('doctor');
    for (const node of names) {
      const reach = node === open ? 'but its key opens a shell as well' : 'its key opens nothing else';
      expect(doctor.out.replace(/\s+/g, ' ')).toMatch(
        new RegExp(`ok ${node} (?:(?!op-\\d).)*helper as it should be, ${reach}`),
      );
    }
    expect(await serves('v2.0.0', 'us-east-op-1', 'us-east-op-2', 'us-east-op-3')).toBe(true);
    expect(await serves('v1.0.0', 'eu-west-op-1', 'eu-west-op-2', 'eu-west-op-3')).toBe(true);
  });

  it('is told by the doctor to be root where a line of sudo was left', async () => {
    const file = '/etc/sudoers.d/left';
    await inside(open, `umask 337; echo 'ops ALL=(ALL) NOPASSWD: ALL' >${file}`);
    const { out } = await product.shell('doctor');
    await inside(open, `rm ${file}`);
    expect(out.replace(/\s+/g, ' ')).toContain(
      `${open} its login becomes root by more than the helper: (ALL) NOPASSWD: ALL; take that out`,
    );
  });

  it('gets nothing but the helper where the key is bound to it: no shell, no file, no way on to another node', async () => {
    const before = await truthOf(waiting);
    const file = join(loot, 'evil');
    writeFileSync(file, '#!/bin/sh\ntouch /tmp/owned\n', { mode: 0o755 });
    const batch = join(loot, 'batch');
    writeFileSync(batch, `put ${file} /tmp/owned\nput ${file} .ssh/authorized_keys\n`);
    // Their clients and the helper wait for each other until the helper has had enough, after a minute.
    const copies = [
      ['scp', file, `${waiting}:/tmp/owned`],
      ['scp', '-O', file, `${waiting}:/tmp/owned`],
      ['scp', `${waiting}:/etc/zeitwork/operator.env`, join(loot, 'env')],
      ['sftp', '-b', batch, waiting],
    ] as const;
    const copied = copies.map(([program, ...words]) => byKey(program, words));
    const refused = /^@@zw refused request it did not come whole$/m;
    const attempts: [string[], RegExp][] = [
      ...[
        `touch ${marker}`,
        'cat /etc/passwd',
        'cat .ssh/authorized_keys',
        `sudo -n touch ${marker}`,
        'sudo -n sh -c id',
        `${helper}; id`,
        `sudo -n ${helper} look`,
        'exec sh',
        '/usr/lib/openssh/sftp-server',
        'scp -t /tmp',
        `"$(touch ${marker})"`,
      ].map((line): [string[], RegExp] => [['-T', waiting, line], refused]),
      [['-T', waiting], refused],
      [['-s', waiting, 'sftp'], refused],
      [['-A', '-T', waiting, 'ssh-add -l'], refused],
      [['-tt', waiting], /PTY allocation request failed/],
      [['-W', `${open}:22`, waiting], /administratively prohibited/],
      [['-o', 'ExitOnForwardFailure=yes', '-R', '9999:localhost:22', waiting], /remote port forwarding failed/],
    ];
    for (const [words, refusal] of attempts) {
      const { code, out, err } = await byKey('ssh', words);
      expect({ words, succeeds: code === 0 }).toEqual({ words, succeeds: false });
      expect(out + err, words.join(' ')).toMatch(refusal);
      expect(out + err, words.join(' ')).not.toMatch(/uid=|root:|s3cret|SSH-2\.0|ssh-ed25519 AAAA/);
    }
    for (const { code, out, err } of await Promise.all(copied)) {
      expect(code).not.toBe(0);
      expect(out + err).toMatch(/refused request|Received message too long/);
    }
    expect(existsSync(join(loot, 'env'))).toBe(false);
    expect(await truthOf(waiting)).toBe(before);
  });

  it('becomes root by nothing else where the key still opens a shell', async () => {
    const before = await truthOf(open);
    const file = join(loot, 'evil');
    const request = asks(commands.glance(rollout.service, 20_000));
    for (const line of [
      `sudo -n touch ${marker}`,
      'sudo -n sh -c id',
      'sudo -n -u zeitwork id',
      'sudo -n -s',
      'sudo -n -e /etc/zeitwork-node/zeitwork-operator.policy',
      `sudo -n ${helper} look`,
      `sudo -n ${helper} ''`,
      `sudo -n ${helper} "$(printf 'look\\nid')"`,
      `sudo -n '${helper} look'`,
      `sudo -n '${helper};id'`,
      'sudo -n /usr/local/sbin/../sbin/zeitwork-node -x',
      'sudo -n systemctl stop zeitwork-operator',
      'systemctl --no-ask-password stop zeitwork-operator',
      'kill -9 $(systemctl show zeitwork-operator -p MainPID --value)',
      'cat /etc/zeitwork/operator.env',
      `echo x >>${helper}`,
      `cp /bin/sh ${helper}`,
      'mv /usr/local/bin/zeitwork-operator /tmp/owned',
      'ls /var/lib/zeitwork-upgrades/zeitwork-operator/backups',
    ]) {
      const { code, out, err } = await byKey('ssh', ['-T', open, line], request);
      expect({ line, code, out }).toEqual({ line, code: expect.toSatisfy((is) => is !== 0 && is !== 255), out: '' });
      expect(err, line).toMatch(
        /^sudo: |^usage: sudo|: (?:Permission|Access) denied|not permitted|authentication required/m,
      );
    }
    for (const place of [helper, '/etc/sudoers.d/more', '/usr/local/bin/zeitwork-operator', '/etc/cron.d/owned'])
      for (const words of [[], ['-O']])
        expect((await byKey('scp', [...words, file, `${open}:${place}`])).err).toMatch(/: Permission denied$/m);
    expect(await truthOf(open)).toBe(before);
  });

  it('changes nothing by what is no request, or smuggles more into one', async () => {
    const before = await truthOf(waiting);
    const good = asks(stageIn(rollout, waiting), only(await orderOf(rollout, waiting, 'stage')));
    const instead = (from: RegExp, to: string): string => {
      expect(good).toMatch(from);
      const text = good.trimEnd().replace(from, () => to);
      return `${text}\n`.padEnd(headerBytes, '\n');
    };
    const requests: [string, string | Buffer, RegExp][] = [
      ['nothing', '', /refused request/],
      ['a shell’s line', 'id\n'.padEnd(headerBytes, '\n'), /refused request/],
      ['half a request', good.slice(0, 200), /refused request/],
      ['noise', Buffer.alloc(headerBytes, 0xff), /refused request/],
      ['no verb', instead(/^verb=.*$/m, 'verb='), /refused verb/],
      ['an unknown verb', instead(/^verb=.*$/m, 'verb=sh'), /refused verb/],
      ['a verb with a path', instead(/^verb=.*$/m, 'verb=../../bin/sh'), /refused verb/],
      ['a verb with a command behind it', instead(/^verb=.*$/m, `verb=stage;touch ${marker}`), /refused verb/],
      ['a verb to be worked out', instead(/^verb=.*$/m, `verb=$(touch ${marker})`), /refused verb/],
      ['a second verb', instead(/^end$/m, 'verb=sh\nend'), /refused verb/],
      ['a function of the helper as a verb', instead(/^verb=.*$/m, 'verb=work'), /refused verb/],
      ['a line of another name', instead(/^end$/m, 'PATH=/tmp\nend'), /refused request/],
      ['a command as a line', instead(/^end$/m, `touch ${marker}\nend`), /refused request/],
      ['a unit with a space', instead(/^unit=.*$/m, 'unit=zeitwork-operator ssh'), /refused argument unit/],
      ['a unit with a command', instead(/^unit=.*$/m, `unit=x;touch ${marker}`), /refused argument unit/],
      ['a unit as a path', instead(/^unit=.*$/m, 'unit=../zeitwork-operator'), /refused argument unit/],
      ['a unit to be worked out', instead(/^unit=.*$/m, `unit=\`touch ${marker}\``), /refused argument unit/],
      ['another unit', instead(/^unit=.*$/m, 'unit=ssh'), /refused policy/],
      ['another binary', instead(/^binary=.*$/m, 'binary=/bin/sh'), /refused policy binary/],
      ['two binaries', instead(/^binary=(.*)$/m, 'binary=/usr/local/bin/zeitwork-operator /bin/sh'), /refused policy/],
      ['another file with settings', instead(/^env=.*$/m, 'env=/etc/shadow'), /refused policy env/],
      ['another owner', instead(/^owner=.*$/m, 'owner=ops:ops'), /refused policy owner/],
      ['an owner with a command', instead(/^owner=.*$/m, `owner=root:root;touch ${marker}`), /refused policy owner/],
      ['another mode', instead(/^mode=.*$/m, 'mode=4777'), /refused policy mode/],
      ['a version over two lines', instead(/^version=.*$/m, `version=v1\ntouch ${marker}`), /refused request/],
      ['a version with a space', instead(/^version=.*$/m, 'version=v1 -f'), /refused argument/],
      ['a staged file elsewhere', instead(/^staged=.*$/m, 'staged=/etc/cron.d/owned'), /refused argument staged/],
      ['a backup elsewhere', instead(/^backup=.*\/(.*)$/m, 'backup=/etc/cron.d'), /refused argument backup/],
      [
        'a backup by way of its parent',
        instead(/^backup=.*$/m, 'backup=/var/lib/zeitwork-upgrades/zeitwork-operator/backups/../../x'),
        /refused argument backup/,
      ],
      ['two numbers', instead(/^epoch=(.*)$/m, 'epoch=1 2'), /refused argument epoch/],
      ['a number with a sum', instead(/^try=.*$/m, 'try=1+1'), /refused argument try/],
      ['a hash as a pattern', instead(/^target=.*$/m, `target=${'*'.repeat(64)}`), /refused argument target/],
      ['no time at all', instead(/^limit=.*$/m, 'limit=1'), /refused argument limit/],
      ['a week', instead(/^limit=.*$/m, 'limit=604800'), /refused argument limit/],
      ['words of its own', instead(/^end$/m, `word=/usr/bin/touch\nword=${marker}\nend`), /refused argument words/],
      ['an order over two lines', instead(/^order=(.*)$/m, 'order=\norder=x'), /refused (?:no-order|order)/],
    ];
    for (const [what, request, refusal] of requests) {
      const { code, out, err } = await sends(waiting, request);
      expect({ what, code, err }).toEqual({ what, code: 70, err: '' });
      expect(out, what).toMatch(refusal);
      expect(await truthOf(waiting), what).toBe(before);
    }
    expect(await sends(waiting, good)).toMatchObject({ code: 0, out: expect.stringMatching(/^@@zw end ok$/m) });
  });

  it('switches a node that nobody approved by no order that there is, or that can be made without the key for decisions', async () => {
    const of = (node: string, which: string, epoch?: number) => orderOf(rollout, node, which, epoch);
    const other = await of(begun, 'change');
    const right = edited(other, { node: waiting });
    const workers = await openKey(join(product.redis.dir, 'keys', 'worker.key'));
    const before = await truthOf(waiting);
    const refused: [string, Presented | undefined, RegExp][] = [
      ['none', undefined, /refused no-order/],
      ['its own to stage', only(await of(waiting, 'stage')), /class stage does not allow switch/],
      [
        'its own to go back',
        only(await of(waiting, 'return', rollout.epoch + 1)),
        /class return does not allow switch/,
      ],
      ['that of a node that was begun', only(other), /for another node/],
      ['that one with this node written over it', only({ ...other, text: encoded(right) }), /signature is not good/],
      ['one that a stranger signed', only(signed(right, stranger)), /signature is not good/],
      ['one that a worker signed', only(signed(right, workers)), /signature is not good/],
      ['one that was signed as something else', only(signed(right, decisions, 'zeitwork-release')), /not good/],
      ['one with a signature of nothing', only({ text: encoded(right), signature: encoded('x') }), /not good/],
      ['one of another fleet', only(signed(edited(other, { node: waiting, fleet: 'trial-2' }))), /another fleet/],
      ['one for another unit', only(signed(edited(other, { node: waiting, unit: 'ssh' }))), /another unit/],
      [
        'one whose time is over',
        only(signed(edited(other, { node: waiting, 'not-after': '1700000000' }))),
        /good until/,
      ],
      ['one of no known class', only(signed(edited(other, { node: waiting, class: 'all' }))), /unknown class/],
      [
        'one of a run before',
        only(signed(edited(other, { node: waiting, epoch: `${rollout.epoch - 1}` }))),
        /number is/,
      ],
      [
        'one for another release',
        only(signed(edited(other, { node: waiting, release: 'c'.repeat(64) }))),
        /another release/,
      ],
      ['one with a line more', only(signed(`${right}allow everything\n`)), /a line that this helper does not know/],
    ];
    for (const [what, presented, reason] of refused) {
      const { code, out } = await sends(waiting, asks(switchIn(rollout, waiting), presented));
      expect({ what, code }).toEqual({ what, code: 70 });
      expect(out, what).toMatch(reason);
      expect(await truthOf(waiting), what).toBe(before);
    }
    const { turn } = nodeIn(rollout, waiting);
    const evil = Buffer.alloc(rollout.release.archiveBytes, 'x');
    const header = asks(commands.receive(turn), only(await of(waiting, 'stage')));
    const received = await sends(waiting, Buffer.concat([Buffer.from(header), evil]));
    expect(received.out).toMatch(/refused upload/);
    // The empty folder of the run is there until the run is over.
    const folder = new RegExp(`^var/lib/.*/incoming/${rollout.id} directory .*\n`, 'm');
    expect((await truthOf(waiting)).replace(folder, '')).toBe(before);
  });

  it('switches it by the order that comes with the approval, and the rollout goes on from there', async () => {
    const was = await invocation(waiting);
    await product.kill('worker');
    await talk.click('Approve eu-west', people.ines.id, 60_000);
    await talk.until(
      'the bot ordered it',
      async () => `${waiting} change ${rollout.epoch}` in (await ordersOf(rollout)),
      30_000,
    );
    const order = only(await orderOf(rollout, waiting, 'change'));
    const { code, out } = await sends(waiting, asks(switchIn(rollout, waiting), order));
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/did renamed[\s\S]*end ok/) });
    const switched = await invocation(waiting);
    expect(switched).not.toBe(was);
    await talk.until('it serves v2.0.0', () => serves('v2.0.0', waiting), 30_000);
    product.startWorker();
    await talk.becomes('done', 240_000);
    expect(await serves('v2.0.0', ...names)).toBe(true);
    expect(await invocation(waiting)).toBe(switched);
  });

  it('replays nothing of a run that is over, also once all is in place again', async () => {
    const first = rollout;
    const old = await ordersOf(first);
    await talk.type('rollback all');
    await talk.becomes('rolled-back', 300_000);
    rollout = await upTo('v2.0.0');
    expect(rollout.id).not.toBe(first.id);
    expect(rollout.epoch).toBeGreaterThan(first.epoch + 1);
    const before = await truthOf(waiting);
    const { turn, before: baseline } = nodeIn(rollout, waiting);
    const late = (epoch: number) => ({ ...turn, rollout: { ...rollout, id: first.id, epoch } });
    const replayed: [string, number, (at: ReturnType<typeof late>) => Command][] = [
      ['change', first.epoch, (at) => commands.switchOver(at, baseline)],
      ['change', first.epoch, (at) => commands.restore(at, baseline)],
      ['change', first.epoch, (at) => commands.backup(at, baseline, false)],
      ['change', first.epoch, (at) => commands.cleanup(at, null, true)],
      ['stage', first.epoch, (at) => commands.stage(at, baseline, null)],
      ['stage', first.epoch, (at) => commands.cleanup(at, null, false)],
      ['return', first.epoch + 1, (at) => commands.restore(at, baseline)],
    ];
    for (const [which, epoch, command] of replayed) {
      const order = old[`${waiting} ${which} ${epoch}`];
      if (order === undefined) throw new Error(`${which} ${epoch} was never ordered`);
      const asked = command(late(epoch));
      const { code, out } = await sends(waiting, asks(asked, only(order)));
      const what = `${which} ${asked.name}`;
      expect({ what, code }).toEqual({ what, code: 76 });
      expect(out, what).toMatch(/refused fenced/);
      // The number of now, with an order of then.
      const renewed = await sends(waiting, asks(command({ ...turn }), only(order)));
      expect(renewed.out, what).toMatch(/refused order its number is/);
      expect(await truthOf(waiting), what).toBe(before);
    }
  });

  it('needs neither Slack nor Redis nor a bot to bring a node back, by the order that lies with its backup', async () => {
    const change = await orderOf(rollout, begun, 'change');
    const { slack, redis } = product;
    const was = await invocation(begun);
    await product.kill('bot');
    await product.kill('worker');
    await slack.close();
    await redis.stop();
    expect(existsSync(redis.dir)).toBe(false);
    await expect(fetch(`${slack.apiUrl}auth.test`)).rejects.toThrow(/fetch failed/);
    const { port, hostname } = new URL(slack.apiUrl);
    await expect(
      new Promise((resolve, reject) => connect(Number(port), hostname).on('connect', resolve).on('error', reject)),
    ).rejects.toThrow(/ECONNREFUSED/);
    expect(await product.shell('status')).not.toMatchObject({ code: 0 });

    expect(await product.shell('return', begun)).toMatchObject({ code: 2, err: expect.stringMatching(/say --yes/) });
    expect(await invocation(begun)).toBe(was);
    const back = await product.shell('return', begun, '--yes');
    expect(back).toMatchObject({ code: 0, out: expect.stringMatching(/runs v1\.0\.0 again and is proven healthy/) });
    expect(await serves('v1.0.0', begun)).toBe(true);
    expect(await installation(begun)).toBe(original);
    expect(await invocation(begun)).not.toBe(was);

    // What was still on its way from the run, or is sent again by whoever holds the key.
    const returned = await truthOf(begun);
    const late = await sends(begun, asks(switchIn(rollout, begun), only(change)));
    expect(late).toMatchObject({ code: 76, out: expect.stringMatching(/refused fenced/) });
    expect(await truthOf(begun)).toBe(returned);
    const again = await product.shell('return', begun, '--yes');
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/has its newest backup/) });
    expect(await serves('v2.0.0', 'us-east-op-2', 'us-east-op-3')).toBe(true);
  });
});
