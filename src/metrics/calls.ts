export const callKinds = ['reminder', 'failure', 'wait', 'approval', 'direct'] as const;
export type CallKind = (typeof callKinds)[number];

/** By the first word of a message's key; other messages call nobody. */
const kinds = new Map<string, CallKind>([
  ['remind', 'reminder'],
  ['failed', 'failure'],
  ['stuck', 'failure'],
  ['held', 'failure'],
  ['declined', 'failure'],
  ['wait', 'wait'],
  ['gate', 'approval'],
  ['dm', 'direct'],
]);

export const callOf = (key: string): CallKind | null => kinds.get(key.split('.')[0] ?? '') ?? null;
