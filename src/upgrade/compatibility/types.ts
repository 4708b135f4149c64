/** One row of the compatibility matrix. Ranges as they are written, see `rangeIn`; null: nothing is asked of that. */
export interface Row {
  /** The versions of the service that it speaks of. */
  operator: string;
  /** Agents that they work with. */
  agent: string | null;
  /** Schemas of the database that they work with. */
  schema: { min: number; max: number } | null;
  /** From which versions they are reached, besides those of this row. */
  from: string | null;
  /** The schema that the migration before their first node makes, and the one after their last. */
  before: number | null;
  after: number | null;
}

/** What was asked for, or why nobody knows. */
export type Told<T> = { is: 'told'; what: T } | { is: 'unknown'; reason: string };

/** Agents of one version; null: they say none that can be read. */
export interface AgentGroup {
  version: string | null;
  count: number;
  /** Some of them, where they have names. */
  names: string[];
}

/** `listed`: one answer tells of all agents; else each node tells of its own. */
export interface Agents {
  listed: boolean;
  groups: AgentGroup[];
}

/** What a node's side answered; absent: nobody asks for that. */
export interface Inventory {
  agents?: Told<Agents>;
  schema?: Told<number>;
}

export interface NodeKnown {
  node: string;
  region: string;
  /** What runs there; null when that is not known. */
  version: string | null;
  /** Absent where nobody could be asked. */
  inventory?: Inventory;
}

/** Why a version may not be brought there, in words with the way out. */
export interface Refusal {
  what: 'row' | 'hop' | 'agent' | 'schema' | 'running';
  /** What it is about, so that two judgements can be compared. */
  about: string;
  text: string;
}

/** Versions that the schema excludes as it is, and why, with the way out. */
export interface NoWayBack {
  versions: string[];
  reason: string;
}

export interface Verdict {
  refusals: Refusal[];
  /** What was found, in short, for whoever reads the plan: `agents v1.1.2 to v1.1.4 on 9 of 9`. */
  found: string[];
  /** After what it is not possible to go back, in words; null: nothing that is known here makes it impossible. */
  noReturn: string | null;
}
