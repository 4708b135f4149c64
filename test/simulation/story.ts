import type { Fleet, StrategyName } from '../../src/upgrade/rollout/types.ts';
import { strategyNames } from '../../src/upgrade/rollout/types.ts';
import type { Weekday } from '../../src/windows/types.ts';
import { fleetOf, minutes } from '../support/rollouts.ts';
import type { ChatTrouble } from './chat.ts';
import { type NetworkTrouble, noTrouble } from './network.ts';
import type { Behaviour } from './node.ts';
import type { QueueTrouble } from './queues.ts';
import type { RedisTrouble } from './redis.ts';
import type { Chance } from './time.ts';
import { type WebhookTrouble, webhookName } from './webhook.ts';

/** What can happen to a night besides its calls. */
export const mishaps = [
  'a program dies',
  'a program stands still',
  'Redis is away',
  'all jobs are gone',
  'a node loses its power',
  'a node is cut off',
  'a service dies',
  'a service is stopped by hand',
  'somebody installs a hotfix',
  'somebody edits the environment',
  'somebody removes the binary',
  'a slow stop',
  'Slack is away',
  'commands for traffic fail',
  'a disk is full',
  'a freeze in the settings',
  'a clock is set',
  'the store is put back',
] as const;
export type Mishap = (typeof mishaps)[number];

/**
 * The same, by a chance of its own and in some nights alone: what is added here leaves all other nights as they were, and with
 * them what each of them finds.
 */
export const mishapsBesides = [
  'somebody stops everything by a file',
  'the webhook is away',
  'a service is restarted by hand',
  'somebody goes back by hand',
  'somebody changes both files',
  'somebody removes the environment',
  'somebody spoils a backup',
] as const;
export type MishapBesides = (typeof mishapsBesides)[number];

/** What one seed makes of a night. Only some kinds of trouble are in each, so that none hides another. */
export interface Story {
  strategy: StrategyName;
  fleet: Fleet;
  workers: number;
  /** How the new build behaves on these nodes; good elsewhere. */
  bad: Map<string, Behaviour>;
  /** Nodes on which the old build does not come up again the first time. */
  badOld: Set<string>;
  mishaps: Mishap[];
  besides: MishapBesides[];
  /** Whoever is told besides the chat that a major comes; null where nobody has to be. */
  webhook: WebhookTrouble | null;
  /** Mean time between two of them, ms. */
  every: number;
  /** A program dies before or after an effect with this probability, each time. */
  crash: number;
  redis: RedisTrouble;
  queues: QueueTrouble;
  network: NetworkTrouble;
  chat: ChatTrouble;
  /** How long things go wrong, ms. */
  lasts: number;
  /** Mean time between two decisions of people, ms. */
  peopleEvery: number;
  realSignatures: boolean;
  /** People have the fleet restarted when nothing else is under way. */
  restarts: boolean;
  /** They recover nodes whose files are gone. */
  recovers: boolean;
  /** Upgraded nodes are held against the others. */
  compares: boolean;
}

const all: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Every hour, for forty minutes, at another minute in each region; else always. */
function windowsOf(chance: Chance): { days: Weekday[]; from: string; to: string }[] {
  if (chance.of(0.7)) return [{ days: all, from: '00:00', to: '00:00' }];
  const begin = chance.between(0, 59);
  const clock = (minute: number) =>
    `${String(Math.floor(minute / 60) % 24).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  return Array.from({ length: 24 }, (_, hour) => 60 * hour + begin).map((minute) => ({
    days: all,
    from: clock(minute),
    to: clock(minute + 40),
  }));
}

const sometimes = (chance: Chance, value: number): number => (chance.of(0.4) ? value : 0);

/** Some nights have a checklist, which no chance decides: all others stay as they were. */
const checklists = {
  before: [{ text: 'notes read' }, { text: 'all healthy', check: 'healthy' }],
  during: [{ text: 'dashboards' }],
  after: [{ text: 'status page' }],
};

/** What no chance decides. */
type Also = Pick<Story, 'realSignatures' | 'restarts' | 'recovers' | 'compares'> & {
  checklist: boolean;
  watched: boolean;
};

/** Of the day after, in the nights that have one. */
const aftercare = { watch: minutes(20), every: minutes(1), stable: null, keep: 2 };

/** `besides`: draws what is in some nights alone. */
export function storyOf(chance: Chance, besides: Chance, also: Also): Story {
  return withBesides(usualStory(chance, also), besides);
}

function withBesides(story: Story, chance: Chance): Story {
  if (chance.of(0.5)) return story;
  const { fleet, network } = story;
  const isAnnounced = chance.of(0.4);
  const chosen = mishapsBesides.filter((name) => (name === 'the webhook is away' ? isAnnounced : chance.of(0.35)));
  const slow = chance.of(0.5) ? 0.05 : 0;
  if (!isAnnounced) return { ...story, besides: chosen, network: { ...network, slow } };
  const majors = { ...fleet.policy.majors, notice: minutes(chance.pick([1, 3])) };
  return {
    ...story,
    besides: chosen,
    network: { ...network, slow },
    webhook: { awayUntil: 0, refuses: sometimes(chance, 0.3), losesAnswer: sometimes(chance, 0.3) },
    fleet: { ...fleet, audiences: [webhookName], policy: { ...fleet.policy, majors } },
  };
}

function usualStory(chance: Chance, { realSignatures, restarts, recovers, compares, checklist, watched }: Also): Story {
  const minimumHealthy = chance.pick([2, 2, 2, 1]);
  const fleet = fleetOf({
    minimumHealthy,
    atOnce: chance.pick([1, 1, 1, 2]),
    autoRollback: chance.pick(['node', 'region', 'everything', 'none'] as const),
    rehearse: chance.pick(['never', 'always'] as const),
    bake: minutes(chance.pick([0, 1, 3])),
    soak: 8_000,
    canarySoak: 12_000,
    pause: chance.pick([0, 5_000]),
    healthDeadline: 40_000,
    poll: 1_000,
    retryDelay: 5_000,
    attempts: 3,
    expectedNode: minutes(2),
    rollbackReserve: minutes(2),
    transferTimeout: minutes(2),
    commandTimeout: 30_000,
  });
  const regions = fleet.regions.slice(0, chance.pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 3])).map((region) => ({
    ...region,
    calendar: { zone: 'UTC', windows: windowsOf(chance), freezes: [] },
    approvers: { users: [], groups: ['S0APPROVERS'] },
  }));
  const traffic = chance.of(0.25) ? { drain: ['/d'], undrain: ['/u'], limit: minutes(1) } : null;
  const names = regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
  const some = (probability: number) => names.filter(() => chance.of(probability));
  const behaviours: Behaviour[] = ['never healthy', 'exits', 'flaps', 'dies later', 'says another version'];
  // It is watched for minutes, and seldom gets so far where people press whatever stands there.
  const flapper = chance.of(0.08) ? names[0] : undefined;
  const policy = { ...fleet.policy, bake: flapper === undefined ? fleet.policy.bake : minutes(chance.pick([1, 3])) };
  const bad = new Map(some(chance.pick([0, 0.1, 0.3])).map((name) => [name, chance.pick(behaviours)]));
  return {
    strategy: flapper === undefined ? chance.pick(strategyNames.filter((name) => name !== 'blue-green')) : 'canary-all',
    fleet: {
      ...fleet,
      policy,
      regions,
      service: { ...fleet.service, traffic },
      ...(checklist ? { checklists } : {}),
      ...(watched ? { aftercare } : {}),
    },
    workers: chance.pick([1, 2]),
    bad: flapper === undefined ? bad : new Map([[flapper, 'flaps later']]),
    badOld: new Set(some(chance.pick([0, 0, 0.2]))),
    mishaps: mishaps.filter(
      (name) =>
        flapper === undefined &&
        (chance.of(name === 'the store is put back' ? 0.05 : 0.3) ||
          (recovers && name === 'somebody removes the binary')),
    ),
    besides: [],
    webhook: null,
    every: minutes(chance.pick([0.3, 1, 2])),
    crash: sometimes(chance, 1 / 600),
    redis: { awayUntil: 0, losesAnswer: sometimes(chance, 0.005) },
    queues: { losesWake: sometimes(chance, 0.1), doubles: sometimes(chance, 0.1), dawdles: chance.pick([20, 5_000]) },
    network: chance.of(0.5)
      ? noTrouble
      : {
          refuses: sometimes(chance, 0.02),
          slow: 0,
          losesEnd: sometimes(chance, 0.05),
          dawdles: sometimes(chance, 0.02),
          losesProbe: sometimes(chance, 0.05),
          badAnswer: sometimes(chance, 0.02),
          damages: sometimes(chance, 0.2),
        },
    chat: {
      awayUntil: 0,
      losesAnswer: sometimes(chance, 0.03),
      limits: sometimes(chance, 0.03),
      cutsOff: sometimes(chance, 0.05),
    },
    lasts: minutes(flapper !== undefined ? 2 : chance.of(0.1) ? chance.between(10, 25) : chance.between(2, 7)),
    peopleEvery: flapper === undefined ? chance.pick([20_000, 60_000]) : minutes(4),
    realSignatures,
    compares,
    restarts,
    recovers,
  };
}

/** The same night when everything works again: builds stay as they are. */
export function mend(story: Story): void {
  story.mishaps = [];
  story.besides = [];
  if (story.webhook !== null) Object.assign(story.webhook, { awayUntil: 0, refuses: 0, losesAnswer: 0 });
  story.crash = 0;
  story.redis.losesAnswer = 0;
  story.redis.awayUntil = 0;
  Object.assign(story.queues, { losesWake: 0, doubles: 0, dawdles: 20 });
  Object.assign(story.network, noTrouble);
  Object.assign(story.chat, { awayUntil: 0, losesAnswer: 0, limits: 0, cutsOff: 0 });
}
