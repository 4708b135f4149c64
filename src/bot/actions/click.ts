import type { Command } from '../command.ts';
import { readReference } from '../sealed.ts';
import type { Reference } from '../views/parts.ts';

/** What a pressed button asks for. `rollout` is null when the command names its object itself. */
export interface Click {
  command: Command;
  rollout: string | null;
  /** The answer takes the place of the message that was clicked: a preview is used up. */
  replaces: boolean;
  /** The fleet that it is asked of, where that is another one than the button's. */
  into?: string;
}

type Reading = (reference: Reference) => Command;

const readings: Record<string, Reading> = {
  start: ({ r }) => ({ verb: 'start', plan: r }),
  cancel: ({ r }) => ({ verb: 'cancel', plan: r }),
  approve: ({ g }) => ({ verb: 'approve', what: g }),
  decline: ({ g }) => ({ verb: 'decline', what: g, reason: null }),
  hold: () => ({ verb: 'pause' }),
  pause: () => ({ verb: 'pause' }),
  resume: () => ({ verb: 'resume' }),
  stop: () => ({ verb: 'stop' }),
  mine: ({ g }) => ({ verb: 'mine', wait: g }),
  postpone: () => ({ verb: 'reschedule', when: { is: 'next' } }),
  retry: () => ({ verb: 'retry' }),
  tick: ({ g }) => ({ verb: 'tick', item: g }),
  own: ({ r }) => ({ verb: 'own', rollout: r }),
  replace: ({ g }) => ({ verb: 'replace', ...nodeAndMark(g) }),
  keep: ({ g }) => ({ verb: 'keep', ...nodeAndMark(g) }),
  rollback: ({ g }) => ({ verb: 'rollback', target: g, dryRun: false }),
  diagnose: ({ g }) => ({ verb: 'diagnose', node: g }),
  recover: ({ g }) => ({ verb: 'recover', node: g, from: null, dryRun: false }),
  accept: ({ g }) => ({ verb: 'drift', act: { is: 'adopt', node: g, reason: null } }),
  plan: ({ g }) => plainUpgrade(g),
  'migrate-first': ({ g }) => ({
    verb: 'migrate',
    act: { is: 'before', version: g, attest: false, dryRun: false },
  }),
  'migrate-after': ({ g }) => ({
    verb: 'migrate',
    act: { is: 'after', version: g, attest: false, dryRun: false },
  }),
  'restart-next': ({ g }) => ({
    ...(g === '' ? {} : { service: g }),
    ...{ verb: 'restart', strategy: null, regions: null, limit: null, when: { is: 'windows' }, dryRun: false },
  }),
  promote: ({ g }) => ({ ...plainUpgrade(promotedIn(g).version), archive: promotedIn(g).archive }),
  'build-first': ({ g }) => ({ verb: 'build', act: { is: 'start', version: g } }),
  'build-again': ({ g }) => ({ verb: 'build', act: { is: 'start', version: g } }),
  'build-stop': () => ({ verb: 'build', act: { is: 'stop' } }),
  snooze: ({ g }) => ({ verb: 'drift', act: { is: 'snooze', node: g } }),
};

/** Nothing of it is begun: it shows a plan. */
const plainUpgrade = (version: string): Extract<Command, { verb: 'upgrade' }> => ({
  ...{ verb: 'upgrade', version, strategy: null, regions: null, limit: null, when: { is: 'windows' }, dryRun: false },
});

/** `us-east-op-2 3f9a0c1b2d4e`, as the buttons have it. */
function nodeAndMark(text: string): { node: string; mark: string } {
  const [node = '', mark = ''] = text.split(' ');
  return { node, mark };
}

/** `production v2.0.0 9f3a…`: the fleet, the release, and the hash of its archive. */
function promotedIn(text: string): { fleet: string; version: string; archive: string } {
  const [fleet = '', version = '', archive = ''] = text.split(' ');
  return { fleet, version, archive };
}

/** Buttons of an answer to one person, which name all that they are about. */
export const isOfAnswer = (kind: string): boolean => ['start', 'cancel', 'build-first', 'migrate-first'].includes(kind);

/** Reads action id (`zw:approve:eu-west`) and value; null for what this version does not know. */
export function readClick(actionId: string, value: string | undefined): Click | null {
  const [, kind = ''] = actionId.split(':');
  const reference = readReference(value);
  const reading = Object.hasOwn(readings, kind) ? readings[kind] : undefined;
  if (reading === undefined || reference === null) return null;
  const isPlan = isOfAnswer(kind);
  const into = kind === 'promote' ? { into: promotedIn(reference.g).fleet } : {};
  return { command: reading(reference), rollout: isPlan ? null : reference.r, replaces: isPlan, ...into };
}
