import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { helperPath, type Presented, type SignedOrder } from '../../../src/base/helper-request.ts';
import { presenting } from '../../../src/jobs/orders.ts';
import { openKey, type SigningKey, sshSignature } from '../../../src/trust/index.ts';
import { orderNamespace, policyFolder, policyText, signersText } from '../../../src/upgrade/host/helper/policy.ts';
import { helperScript } from '../../../src/upgrade/host/helper/script.ts';
import { type Order, orderText } from '../../../src/upgrade/rollout/index.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Shell } from '../../../src/upgrade/ssh/types.ts';
import type { StepContext } from '../../../src/upgrade/steps/types.ts';
import { generateKey, type Sshd, startSshd } from '../../support/sshd.ts';
import { service } from './support.ts';
import { Trial } from './trial.ts';

export const node = 'us-east-op-1';

const b64 = (text: string) => Buffer.from(text).toString('base64');

/**
 * A little node that a real sshd lets in by one key with a forced command: the helper, as it is printed, with its paths moved
 * below the node's folder. There is no sudo in it; the real one is met on the real fleet.
 */
export class HelperTrial extends Trial {
  readonly keys = mkdtempSync(join(tmpdir(), 'zeitwork-decisions-'));
  decisions!: SigningKey;
  sshd!: Sshd;
  shell!: Shell;
  /** What the worker presents; changed by tests that play somebody else. */
  present: () => Presented | null = () => ({ order: this.signed('change'), back: this.signed('return', { epoch: 8 }) });

  async open(): Promise<this> {
    this.decisions = await openKey(join(this.keys, 'decisions.key'));
    const helper = this.node.path(`.${helperPath}`);
    mkdirSync(join(helper, '..'), { recursive: true });
    writeFileSync(helper, this.moved(helperScript()), { mode: 0o755 });
    chmodSync(helper, 0o755);
    const folder = this.node.path(`.${policyFolder}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${service.unit}.policy`), this.moved(policyText('trial', node, service)), {
      mode: 0o644,
    });
    writeFileSync(join(folder, `${service.unit}.signers`), signersText([this.decisions.public]), { mode: 0o644 });
    this.node.write('bin/logger', `#!/bin/sh\necho "$*" >>${this.node.root}/syslog\n`, 0o755);
    const worker = generateKey(join(this.keys, 'worker'), 'ed25519');
    this.sshd = await startSshd({ authorized: [`command="${helper}",restrict ${worker}`] });
    const host = this.sshd.host({ name: node, keyFile: join(this.keys, 'worker'), become: 'helper' });
    const shell = createShell({ [node]: host });
    this.shell = {
      ...shell,
      run: (name, command, signal) => shell.run(name, { ...command, args: command.args.map(this.moved) }, signal),
    };
    return this;
  }

  /** Absolute paths, moved below the node's folder; root's own files are those of whoever runs this. */
  readonly moved = (text: string): string =>
    ['/usr/local/bin/', '/etc/zeitwork/', '/etc/zeitwork-node', '/var/lib', '/proc/']
      .reduce((all, prefix) => all.replaceAll(prefix, `${this.node.root}${prefix}`), text)
      .replaceAll("'0 '", `'${userInfo().uid} '`)
      .replace('PATH=/usr/local/sbin', `PATH=${this.node.root}/bin:/usr/local/sbin`);

  order(which: Order['class'], more: Partial<Order> = {}): Order {
    const { fleet, id, release, epoch } = this.plan;
    return {
      fleet,
      rollout: id,
      node,
      unit: service.unit,
      class: which,
      release: release.binarySha256,
      archive: release.archiveSha256,
      epoch,
      madeUnder: epoch,
      backup: null,
      decided: null,
      bytes: which === 'stage' ? release.archiveBytes : null,
      notAfter: Date.now() + 60_000,
      ...more,
    };
  }

  signed(which: Order['class'], more: Partial<Order> = {}, key = this.decisions): SignedOrder {
    return this.signedText(orderText(this.order(which, more)), key);
  }

  signedText(text: string, key = this.decisions): SignedOrder {
    return { text: b64(text), signature: b64(sshSignature(key, orderNamespace, text)) };
  }

  override context(): StepContext {
    return { ...super.context(), shell: presenting(this.shell, async () => this.present()) };
  }

  /** What the login gets for whatever it sends, by the plain ssh client. */
  async byHand(stdin: string | Buffer, ...words: string[]): Promise<{ code: number | null; out: string }> {
    const { host } = { host: this.sshd.host() };
    const known = [
      '-o',
      `UserKnownHostsFile=${this.sshd.knownHostsFile}`,
      '-o',
      'BatchMode=yes',
      '-o',
      'IdentitiesOnly=yes',
    ];
    const way = ['-T', '-F', '/dev/null', '-p', String(this.sshd.port), '-i', join(this.keys, 'worker'), ...known];
    const child = spawn('ssh', [...way, `${host.user}@127.0.0.1`, ...words]);
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
  }

  override async close(): Promise<void> {
    await this.shell.close();
    await this.sshd.stop();
    await super.close();
    rmSync(this.keys, { recursive: true });
  }
}
