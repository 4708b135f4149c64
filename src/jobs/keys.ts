/** All keys of all fleets share one slot, so that a script may touch several of them on a cluster. */
const slot = '{zw}';

/** How every key and queue of a fleet begins: fleets on one Redis never meet, whatever their nodes are called. */
export function prefixOf(fleet: string): string {
  // A colon or a brace could make one fleet's keys look like another's, or move them to another slot.
  if (!/^[A-Za-z0-9_.-]+$/.test(fleet)) throw new Error(`${JSON.stringify(fleet)} cannot name a fleet in Redis`);
  return `${slot}/${fleet}`;
}

export type Keys = ReturnType<typeof keysOf>;

/** The names of everything that the store keeps for a fleet. */
export function keysOf(fleet: string) {
  const key = (...parts: string[]): string => [prefixOf(fleet), ...parts].join(':');
  return {
    /** Hash: body, revision, and the hash of the journal's last line. */
    rollout: (id: string) => key('rollout', id),
    /** List of chained lines. */
    journal: (id: string) => key('journal', id),
    /** Hash: where each message stands. */
    posted: (id: string) => key('posted', id),
    /** Hash of signed orders, by node, class and epoch. */
    orders: (id: string) => key('orders', id),
    draft: (id: string) => key('draft', id),
    seen: (name: string) => key('seen', name),
    /** Id of the open rollout that holds the fleet. */
    holder: key('holder'),
    /** Set of the ids of open rollouts. */
    open: key('open'),
    /** Sorted set of all ids, by when they were created. */
    rollouts: key('rollouts'),
    /** Sorted set of the ids whose newest revision (the score) is not known to stand in the chat. */
    unpainted: key('unpainted'),
    /** Sorted set of `region worker`, by when that sign of life expires. */
    living: key('living'),
    epoch: key('epoch'),
    /** Hash: body, revision, and the hash of the journal's last line. */
    ledger: key('ledger'),
    /** List of chained lines. */
    ledgerJournal: key('ledger', 'journal'),
    /** Hash: what was found in the last night, by region. */
    drift: key('drift'),
    /** Hash: what is told of the build that was last, signed; its queue begins so, too. */
    build: key('build', 'told'),
    /** List of signed blocks of what was measured in a region, the newest of them. */
    measured: (region: string) => key('measured', region),
    /** Which worker measures a region, for a few looks. */
    measuring: (region: string) => key('measuring', region),
    /** Hash: number and hash of the last note. */
    notes: key('notes'),
    /** List of chained lines, the newest of them. */
    notesJournal: key('notes', 'journal'),
  };
}
