import { keysInWords, versionsOf } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

type Goal = Pick<Rollout, 'service' | 'services' | 'release' | 'change'>;

/** What it brings: `v2.0.0`, or of several services `operator v2.0.0, agent v1.1.0`. */
export const broughtWords = (rollout: Goal): string => versionsOf(rollout);

/** Several services need no name before them: it is in what they are brought to. */
export const titled = (rollout: Goal, title: string): string =>
  rollout.services === undefined ? `${rollout.service.name} ${title}` : title;

/** By what it does: brings a release, restarts what runs, changes the environment file, or migrates the database. */
function worded(
  { change }: Goal,
  upgrade: string,
  restart: string,
  config: (keys: string) => string,
  migrate: (to: number) => string,
): string {
  if (change === undefined) return upgrade;
  if (change.is === 'migrate') return migrate(change.to);
  return change.is === 'restart' ? restart : config(foreign(keysInWords(change), 120));
}

/** What a rollout is called in a sentence: `v2.0.0`, `the restart of v1.1.0`, or `the change of MAX_CONNECTIONS`. */
export const goalOf = (rollout: Goal): string =>
  worded(
    rollout,
    broughtWords(rollout),
    `the restart of ${broughtWords(rollout)}`,
    (keys) => `the change of ${keys}`,
    (to) => `the migration to ${to}`,
  );

/** The same where a sentence begins. */
export const goalFirst = (rollout: Goal): string =>
  worded(
    rollout,
    broughtWords(rollout),
    `The restart of ${broughtWords(rollout)}`,
    (keys) => `The change of ${keys}`,
    (to) => `The migration to ${to}`,
  );

/** What it is called in a title, behind the name of the service. */
export const titleOf = (rollout: Goal): string =>
  worded(
    rollout,
    broughtWords(rollout),
    `restart of ${broughtWords(rollout)}`,
    (keys) => `change of ${keys}`,
    (to) => `migration to ${to} (${broughtWords(rollout)})`,
  );

/** What is asked of the approvers of a part: may it … */
export const askedFor = (rollout: Goal): string =>
  worded(
    rollout,
    `go to ${broughtWords(rollout)}`,
    `be restarted (${broughtWords(rollout)})`,
    (keys) => `get another environment file (${keys})`,
    (to) => `be migrated to ${to}`,
  );

/** Where nodes are counted that it has finished: 3 of 9 nodes … */
export const reached = (rollout: Goal): string =>
  worded(
    rollout,
    `on ${broughtWords(rollout)}`,
    'restarted',
    () => 'on the new environment file',
    () => 'touched',
  );

/** The same in two words, where the rest was said. */
export const reachedShort = (rollout: Goal): string =>
  worded(
    rollout,
    'on it',
    'done',
    () => 'on it',
    () => 'done',
  );

/** What it puts on a node. */
export const newOf = (rollout: Goal): string =>
  worded(
    rollout,
    broughtWords(rollout),
    broughtWords(rollout),
    () => 'the new environment file',
    (to) => `schema ${to}`,
  );

/** What a node goes back to. */
export const oldOf = (rollout: Goal, { before }: Pick<NodeRun, 'before'>): string => {
  const version = foreign(before?.version ?? 'what it was before', 80);
  return worded(
    rollout,
    version,
    version,
    () => `${version} with the environment file that it had`,
    () => version,
  );
};
