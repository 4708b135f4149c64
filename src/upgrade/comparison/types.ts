/** How nodes that were upgraded are held against those that were not yet; as the settings have it. */
export interface Compare {
  /** How often every node is looked at, ms; eight looks make a block. */
  look: number;
  /** How far back the time before an upgrade reaches, ms. */
  before: number;
  /** How much of it there must be at least, before and after each, ms. */
  least: number;
  /** From which factor on a difference counts, above 1. */
  margin: number;
}

/** What grew on a node between two looks, and what it is held against: something else that grew, or seconds. */
export interface Growth {
  grown: number;
  per: number;
}

/** Looks at a node, now, and says by check what grew since the last look. Changes nothing there, and never throws for a host's fault. */
export type Measure = (node: string, signal: AbortSignal) => Promise<Record<string, Growth>>;

/** What one check measured on one node in one block. Absent where too few looks saw it. */
export interface Measured {
  /** Median of its looks, as `grown` for each of `per`. */
  level: number;
  /** Sums over its looks. */
  grown: number;
  per: number;
}

/** What was measured of some nodes in one block of looks. */
export interface Block {
  /** The how-manyth block of this length since 1970. */
  index: number;
  /** By node, then by check. */
  nodes: Record<string, Record<string, Measured>>;
}

/** Who is held against whom. Instants are epoch ms. */
export interface Groups {
  /** `until`: before its first change; `from`: since it was proven. */
  upgraded: readonly { node: string; until: number; from: number }[];
  /** Nothing was changed on these. */
  control: readonly string[];
  /** Whether they are of the same region. */
  near: boolean;
}

export type Verdict = 'better' | 'same' | 'worse' | 'inconclusive' | 'no control group';

/** What a check says of upgraded nodes, held against others in the same minutes and against their own time before. A plain value. */
export interface Comparison {
  check: string;
  is: Verdict;
  /** How many times as much as before, when what changed on the others is taken out; null where nobody can say. */
  factor: number | null;
  /** What it lies between; `high` null: without end. Both null: nobody can say. */
  low: number | null;
  high: number | null;
  /** How many blocks there were. */
  before: number;
  after: number;
  /** How many nodes were upgraded, and how many of them show what the verdict says. */
  nodes: { of: number; so: number };
  control: { of: number; near: boolean };
  /** Why nobody can say more, in words. Absent where that is said by the numbers. */
  why?: string;
}
