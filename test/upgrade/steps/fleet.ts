import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/app/clock.ts';
import { createProbe } from '../../../src/upgrade/http/probe.ts';
import type { Decided, Facts, Gate, NodeRun, Policy, Release, Traffic } from '../../../src/upgrade/rollout/types.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Host, Shell } from '../../../src/upgrade/ssh/types.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import type { StepContext, StepResult } from '../../../src/upgrade/steps/types.ts';
import { home, inventory, releasesDirectory, scripts } from '../../support/real-fleet.ts';
import { nodeRun, policy, rollout, service } from './support.ts';

export function hosts(): Record<string, Host> {
  return Object.fromEntries(
    inventory().map(({ name, address, port, user, keyFile, knownHostsFile }) => [
      name,
      { name, address, port, user, keyFile, knownHostsFile },
    ]),
  );
}

export const probe = () => createProbe(Object.fromEntries(inventory().map(({ name, healthUrl }) => [name, healthUrl])));

export const clock = systemClock();

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

/** A release of the fleet: `v2.0.0`, or the name of a faulty build. */
export function releaseOf(name: string): Release & { path: string } {
  const good = name.startsWith('v');
  const version = good ? name : 'v2.1.0';
  const archive = `zeitwork-operator-${version}.tar.gz`;
  const path = join(releasesDirectory, good ? archive : join('faulty', name, archive));
  const binary = execFileSync('tar', ['-xzOf', path, 'build/zeitwork-operator'], { maxBuffer: 256 * 1024 * 1024 });
  return {
    version,
    archive,
    archiveSha256: sha256(readFileSync(path)),
    binarySha256: sha256(binary),
    archiveBytes: statSync(path).size,
    binaryBytes: binary.length,
    signed: null,
    path,
  };
}

export const fault = (node: string, ...words: string[]) =>
  execFileSync(join(scripts, 'fault'), [node, ...words], { stdio: 'pipe' });

/** Runs a command on a node by the plain ssh client, as root. */
export function onNode(node: string, command: string): string {
  return execFileSync('ssh', ['-n', '-F', join(home, 'ssh_config'), node, 'sudo', '-n', 'sh', '-c', `'${command}'`], {
    encoding: 'utf8',
  }).trim();
}

/** Everything about the installation that must survive a way there and back. */
export const installation = (node: string) =>
  onNode(
    node,
    'sha256sum /usr/local/bin/zeitwork-operator /etc/zeitwork/operator.env; stat -c "%n %U:%G %a" /usr/local/bin/zeitwork-operator /etc/zeitwork/operator.env',
  );

/** Times the service was started since the node exists, from the node's own journal. */
export const starts = (node: string) =>
  Number(onNode(node, 'journalctl -u zeitwork-operator --no-pager -o cat | grep -c "^Started " || true'));

/** A number that no node of the fleet has seen a higher one of, as long as all runs take theirs from here. */
export const lastEpoch = () => Date.now();

/** A node on its way: runs steps one after another and keeps what they learned, as the rollout would. */
export class Way {
  readonly reports: StepResult[] = [];
  node: NodeRun;
  epoch: number;
  gates: Gate[] = [];
  /** How the node is taken out of service; null when nothing does. */
  traffic: Traffic | null = null;
  private readonly release: Release & { path: string };
  private readonly shell: Shell;
  private readonly policy: Policy;

  constructor(
    name: string,
    release: Release & { path: string },
    shell: Shell,
    epoch: number,
    change: Partial<Policy> = {},
  ) {
    this.node = nodeRun({ name, region: name.replace(/-op-.*/, '') });
    this.release = release;
    this.shell = shell;
    this.epoch = epoch;
    this.policy = { ...policy, soak: 1_500, canarySoak: 1_500, healthDeadline: 8_000, ...change };
  }

  context(shell = this.shell): StepContext {
    const { path, ...release } = this.release;
    return {
      rollout: rollout({
        id: `trial-${this.epoch}`,
        release,
        policy: this.policy,
        epoch: this.epoch,
        service: { ...service, traffic: this.traffic },
      }),
      node: this.node,
      attempt: this.node.attempt,
      shell,
      probe: probe(),
      clock,
      signal: new AbortController().signal,
      archive: async () => path,
      withdrawn: () => null,
      gates: async () => this.gates,
    };
  }

  async run(name: keyof typeof steps, shell?: Shell): Promise<StepResult> {
    const result = await steps[name](this.context(shell));
    this.reports.push(result);
    const facts: Facts = result.is === 'succeeded' || result.is === 'failed' ? result.facts : {};
    this.node = { ...this.node, foreign: null, ...facts, attempt: this.node.attempt + 1 };
    if (name === 'switch') this.node = { ...this.node, touched: true };
    return result;
  }

  /** What a person says about the work that the last step found in its way. */
  decide(as: Decided['as']): void {
    if (this.node.foreign === null) throw new Error('there is nothing to decide about');
    this.node = { ...this.node, decided: { foreign: this.node.foreign, as, by: 'U2' } };
  }

  /** Runs the steps in order; the first result that is not a success ends it and is returned. */
  async go(...names: (keyof typeof steps)[]): Promise<StepResult> {
    let result: StepResult = { is: 'succeeded', facts: {} };
    for (const name of names) {
      result = await this.run(name);
      if (result.is !== 'succeeded') return result;
    }
    return result;
  }
}

export const connect = () => createShell(hosts());
