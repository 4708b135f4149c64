/** The words of the stand-in Slack. Its shapes on the wire follow Slack's own, see `payloads.ts` and `api/`. */

export type Block = { type: string; block_id?: string; [key: string]: unknown };

/** A button, a select, an input: whatever a person can act on. */
export type BlockElement = { type: string; action_id?: string; [key: string]: unknown };

export type Person = {
  id: string;
  name: string;
  realName: string;
  /** What this person may do, in words, for the page: "on call, may start". */
  role?: string;
  bot?: boolean;
  /** A guest of the workspace (`is_restricted`). */
  guest?: boolean;
  deleted?: boolean;
  /** Set for a stranger from another workspace (Slack Connect). */
  teamId?: string;
};

export type Place = { id: string; name: string };
export type Group = { id: string; handle: string; users: string[] };
export type Metadata = { event_type: string; event_payload: Record<string, unknown> };
export type Reaction = { name: string; users: string[] };

/** One message as everybody (or, with `visibleTo`, one person) sees it. Replaced as a whole when it is edited. */
export type ChannelMessage = {
  ts: string;
  channel: string;
  user: string;
  text: string;
  blocks: Block[];
  threadTs: string | null;
  /** A reply that is also shown in the channel. */
  broadcast: boolean;
  /** How often it was edited, and when last (a Slack timestamp). */
  edits: number;
  editedTs: string | null;
  metadata: Metadata | null;
  reactions: Reaction[];
  /** Set for ephemerals: the only person who sees it. */
  visibleTo: string | null;
};

export type View = {
  id: string;
  type: 'modal' | 'home';
  hash: string;
  title: string;
  submit: string | null;
  close: string | null;
  callbackId: string;
  privateMetadata: string;
  externalId: string;
  notifyOnClose: boolean;
  blocks: Block[];
  /** What the last submission was refused for, by block id. */
  errors: Record<string, string>;
};

export type Broadcast = { method: string; mention: string; text: string };

export type ApiCall = { method: string; ok: boolean; error: string | null; at: number };

export type NodeStatus = 'healthy' | 'starting' | 'unhealthy' | 'down';
export type FleetNode = { name: string; region: string; version: string; status: NodeStatus; unit: string };
export type ProbeCounter = {
  probes: number;
  failures: number;
  fewestHealthy: Record<string, number>;
  /** When counting began, in ms since the epoch. */
  since: number;
};
export type Fault = { id: string; label: string };

/** What the page shows beside the chat, and how a person breaks it. */
export type FleetSource = {
  nodes(): FleetNode[];
  counter(): ProbeCounter;
  faults(): Fault[];
  inject(node: string, fault: string): Promise<void>;
};

/** The sandbox's clock and its big buttons. Instants are ms since the epoch; answers are sentences for the person. */
export type Controls = {
  now(): number;
  jumpToNextWindow?(): Promise<string>;
  resetFleet?(): Promise<void>;
  /** What to ask before that; null when nothing would be lost. */
  beforeReset?(): Promise<Question | null>;
};

/** Asked before something that cannot be taken back. */
export type Question = { title: string; text: string; yes: string };

/** A line to type, with what will come of it: completions of the composer, and the list of things to try. */
export type Suggestion = { text: string; about: string };

export type SlackOptions = {
  port?: number;
  people: Person[];
  channel: Place;
  /** More channels, for a bot of several fleets. */
  others?: Place[];
  team: Place;
  groups: Group[];
  /** Added to every Web API answer, ms. */
  latencyMs?: number;
  /** Bot scopes; a method beyond them answers `missing_scope`. */
  scopes?: string[];
  /** Event types the app subscribes to. */
  events?: string[];
  /** How long an envelope may wait for its acknowledgement, ms; Slack's is 3,000. */
  ackTimeoutMs?: number;
  /** How long a trigger id can open a view, ms; Slack's is 3,000. */
  triggerLifeMs?: number;
  fleet?: FleetSource;
  controls?: Controls;
  /** The newest night as a picture, SVG; null while there was none. */
  night?: () => string | null;
  /** What the empty channel tells a newcomer to type. */
  hint?: string;
  completions?: Suggestion[];
  tries?: Suggestion[];
};

export type Outcome = {
  acked: boolean;
  /** What the person was told instead: `operation_timeout`, `dispatch_failed`, or null. */
  error: string | null;
  /** ms until the acknowledgement, or until giving up. */
  afterMs: number;
  /** Everything said in answer: the acknowledgement's own message, and posts to this response_url. Grows later. */
  responses: ChannelMessage[];
};
