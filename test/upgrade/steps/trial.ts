import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Facts, Gate, NodeRun, Policy, Release, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import type { Clock, StepContext, StepResult } from '../../../src/upgrade/steps/types.ts';
import { LittleNode, packed } from './little-node.ts';
import { nodeRun, policy, rollout } from './support.ts';

export const binary = 'usr/local/bin/zeitwork-operator';
export const env = 'etc/zeitwork/operator.env';
export const backups = 'var/lib/zeitwork-upgrades/backups';
const quick: Policy = { ...policy, soak: 1_000, canarySoak: 1_000, commandTimeout: 5_000 };

/** Time that passes only by sleeping, and for the real work in between a little by itself. */
export function quickClock(): Clock {
  let ahead = 0;
  return {
    now: () => 1_000 + ahead,
    monotonic: () => ahead,
    sleep: async (ms, signal) => {
      if (ms > 100_000) await wait(2 ** 30, undefined, { ...(signal ? { signal } : {}), ref: false });
      ahead += ms;
    },
  };
}

/** A little node on its way to a release; keeps what the steps learned, as the rollout would. */
export class Trial {
  readonly node = new LittleNode('v1.0.0');
  readonly folder = mkdtempSync(join(tmpdir(), 'releases-'));
  release: Release & { path: string } = packed(this.folder, 'v2.0.0');
  run: NodeRun = nodeRun();
  plan: Rollout = rollout({ release: this.release, policy: quick });
  gates: Gate[] = [];

  use(release: Release & { path: string }): void {
    this.release = release;
    this.plan = { ...this.plan, release };
  }

  context(): StepContext {
    return {
      rollout: this.plan,
      node: this.run,
      attempt: this.run.attempt,
      shell: this.node,
      probe: this.node,
      clock: quickClock(),
      signal: new AbortController().signal,
      archive: async () => this.release.path,
      gates: async () => this.gates,
    };
  }

  /** Runs the steps in order; the first result that is not a success ends it and is returned. */
  async go(...names: (keyof typeof steps)[]): Promise<StepResult> {
    let result: StepResult = { is: 'succeeded', facts: {} };
    for (const name of names) {
      result = await steps[name](this.context());
      const facts: Facts = result.is === 'succeeded' || result.is === 'failed' ? result.facts : {};
      const touched = this.run.touched || name === 'switch';
      this.run = { ...this.run, ...facts, attempt: this.run.attempt + 1, touched };
      if (result.is !== 'succeeded') return result;
    }
    return result;
  }

  async close(): Promise<void> {
    await this.node.close();
    rmSync(this.folder, { recursive: true });
  }
}
