import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../../src/base/clock.ts';
import { isAny } from '../../../src/base/is-any.ts';
import type {
  Decided,
  Facts,
  Gate,
  NodeRun,
  Policy,
  Release,
  Rollout,
  Sight,
} from '../../../src/upgrade/rollout/types.ts';
import { steps } from '../../../src/upgrade/steps/index.ts';
import type { StepContext, StepResult } from '../../../src/upgrade/steps/types.ts';
import { LittleNode, packed } from './little-node.ts';
import { nodeRun, policy, rollout } from './support.ts';

export const binary = 'usr/local/bin/zeitwork-operator';
export const env = 'etc/zeitwork/operator.env';
export const state = 'var/lib/zeitwork-upgrades/zeitwork-operator';
export const backups = `${state}/backups`;
/** Where versions before 0.2 kept the same of all units. */
export const oldState = 'var/lib/zeitwork-upgrades';
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
  /** Why the settings do not accept the release any more. */
  withdrawn: string | null = null;
  /** With what each question for the gates was asked. */
  readonly sights: Sight[] = [];
  clock: Clock = quickClock();

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
      clock: this.clock,
      signal: new AbortController().signal,
      archive: async () => this.release.path,
      withdrawn: () => this.withdrawn,
      gates: async (sight) => {
        this.sights.push(sight);
        return this.gates;
      },
    };
  }

  /** Runs the steps in order; the first result that is not a success ends it and is returned. */
  async go(...names: (keyof typeof steps)[]): Promise<StepResult> {
    let result: StepResult = { is: 'succeeded', facts: {} };
    for (const name of names) {
      result = await steps[name](this.context());
      const facts: Facts = result.is === 'succeeded' || result.is === 'failed' ? result.facts : {};
      const before = this.run.touched ? this.run.before : (facts.before ?? this.run.before);
      const touched = this.run.touched || isAny(name, 'switch', 'recover', 'restart', 'configure');
      const { asked = this.plan.asked, ...own } = facts;
      this.plan = { ...this.plan, asked };
      this.run = { ...this.run, foreign: null, ...own, before, attempt: this.run.attempt + 1, touched };
      if (result.is !== 'succeeded') return result;
    }
    return result;
  }

  /** What a person says about the work that the last step found in its way. */
  decide(as: Decided['as']): void {
    if (this.run.foreign === null) throw new Error('there is nothing to decide about');
    this.run = { ...this.run, decided: { foreign: this.run.foreign, as, by: 'U2' } };
  }

  async close(): Promise<void> {
    await this.node.close();
    rmSync(this.folder, { recursive: true });
  }
}
