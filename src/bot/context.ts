import type { Logger } from 'pino';
import type { Actor } from '../base/actor.ts';
import type { Clock } from '../base/clock.ts';
import { minute } from '../base/duration.ts';
import type { AskElsewhere } from '../jobs/index.ts';
import type { Control } from '../jobs/types.ts';
import type { Sealer, SignedDecision } from '../trust/index.ts';
import type { Approvers, Fleet, Release } from '../upgrade/rollout/types.ts';
import type { Looks } from './looks.ts';
import type { Button, Part } from './views/parts.ts';
import type { Workspace } from './workspace.ts';

/** Where commands are heard, and who may do what. */
export interface Access {
  /** `signed`: an approval counts only when its person signed it with their own key, on a shell. */
  approvals: 'button' | 'signed';
  /** Channel id; commands and clicks elsewhere are refused. */
  channel: string;
  roles: {
    /** May start, pause, resume, retry. */
    requesters: Approvers;
    /** May begin outside a window. */
    breakers: Approvers;
    /** May freeze, pause, stop and roll back, besides requesters and approvers. */
    stoppers: Approvers;
    /** Called for what goes wrong; that alone gives no right. */
    onCall: Approvers;
    /** Called by the last reminder, besides those who were called before. */
    escalation: Approvers;
  };
}

/** A decision wants what is true now; a look may be answered from what was true a little while ago. */
export type Purpose = 'decision' | 'look';

/** What the chat system knows about people. Every failure throws, and whoever asks refuses then. */
export interface Directory {
  person(user: string, purpose: Purpose): Promise<Person>;
  members(group: string, purpose: Purpose): Promise<string[]>;
}

export interface Person {
  bot: boolean;
  guest: boolean;
  deactivated: boolean;
  /** Ids of the workspaces that they are a member of, and of their organisation. */
  teams: string[];
}

/** What every command needs, in chat and on the command line. */
export interface CommandContext {
  control: Control;
  fleet: Fleet;
  releases: {
    /** @throws Refused when there is no such release, or its hash does not match. */
    resolve(version: string, service?: string | null): Promise<Release>;
    /** What can be installed, oldest first. `service`: of several, by its key; the first where none is named. */
    versions(service?: string | null): Promise<string[]>;
  };
  /** The settings say how releases are built. */
  builds?: true;
  access: Access;
  /** Whose people may do anything; null where no chat is connected. */
  workspace: Workspace | null;
  /** Seals the values of buttons; null where there are none. */
  sealer: Sealer | null;
  directory: Directory;
  looks: Looks;
  /** Fleets of this bot on which a release may be begun once it was proven on this one; absent: none. */
  promotesTo?: readonly string[];
  /** What the settings want to be proven on another fleet, read from where this program runs. */
  elsewhere: AskElsewhere;
  clock: Pick<Clock, 'now' | 'sleep'>;
  /** What the settings call people, by their ids. */
  names: Readonly<Record<Actor, string>>;
  newId(): string;
  /** A plan of more nodes is not played before it is shown: whoever asked waits for that. */
  playsUpTo: number;
  log: Logger;
}

/**
 * What came of a command, for programs. `wrong`: the look itself went well and found something that is not right;
 * `outdated`: nothing was changed, since things stand differently by now; `unreachable`: the store or the workers are silent.
 */
export type Outcome = 'done' | 'wrong' | 'usage' | 'refused' | 'denied' | 'outdated' | 'unreachable' | 'bug';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** What an answer says, as data; docs/shell.md describes it. */
export type Facts = { [key: string]: Json };

/** A command's answer, to the one who asked. */
export interface Reply {
  parts: Part[];
  /** `done` when absent. */
  outcome?: Outcome;
  facts?: Facts;
  /** Everybody in the channel is to see it, and not only the one who asked. */
  public?: true;
  /** What belongs to it and is too long for a chat: a shell writes it where it was told to. */
  files?: Attached[];
}

export interface Attached {
  name: string;
  text: string;
}

/** Who asks, and from which message: `rollout` and `scope` are null when it was typed. */
export interface Asking {
  actor: Actor;
  rollout: string | null;
  /** The person signed this with their own key. */
  signed?: SignedDecision;
}

/** A plan that was shown can be confirmed for 30 minutes. */
export const draftTtlMs = 30 * minute;

export function say(...lines: string[]): Reply {
  return { parts: [{ is: 'lines', lines }] };
}

export function ended(outcome: Outcome, reply: Reply): Reply {
  return { ...reply, outcome };
}

export function withFacts(facts: Facts, reply: Reply): Reply {
  return { ...reply, facts };
}

/** Says it to everybody in the channel; on a command line there is nobody else. */
export function aloud(reply: Reply): Reply {
  return { ...reply, public: true };
}

export function withLines(reply: Reply, lines: string[]): Reply {
  return { ...reply, parts: [...reply.parts, { is: 'lines', lines }] };
}

export function withButtons(reply: Reply, buttons: Button[]): Reply {
  return { parts: [...reply.parts, { is: 'buttons', buttons }] };
}

/** Stands for the workspace where no chat is connected. */
const nowhere = 'no workspace';

/** For the local command line: whoever signed with a key of the settings is known by them, and nobody else. */
export function ownPeople(slackIds: readonly string[]): Pick<CommandContext, 'workspace' | 'directory'> {
  const members = () => Promise.reject(new Error('no chat system is connected'));
  return {
    workspace: { pinned: nowhere, url: null },
    directory: {
      person: async (user) =>
        slackIds.includes(user) ? { bot: false, guest: false, deactivated: false, teams: [nowhere] } : members(),
      members,
    },
  };
}
