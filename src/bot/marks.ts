/** What is sent along with a message: which one of which rollout it is, so that it can be found and judged later. */
export interface Mark {
  /** Empty for messages of 0.1.0, which did not say it. */
  fleet: string;
  rollout: string;
  key: string;
  /** Of the rollout, as it was painted; 0 for messages of 0.1.0. */
  revision: number;
  /**
   * Set on a message that was found not to be current: the revision that the store had then, 0 when it did not know
   * the rollout.
   */
  stale?: number;
}

const eventType = 'zeitwork_post';

/** Slack's message metadata. An edit replaces it as a whole. */
export function metadataOf(mark: Mark) {
  return { event_type: eventType, event_payload: { ...mark } };
}

/** The mark in what Slack tells as a message's metadata; null when it is not one of ours. */
export function readMark(metadata: unknown): Mark | null {
  const { event_type: type, event_payload: payload } = recordIn(metadata);
  const { fleet, rollout, key, revision, stale } = recordIn(payload);
  if (type !== eventType || typeof rollout !== 'string' || typeof key !== 'string') return null;
  return {
    fleet: typeof fleet === 'string' ? fleet : '',
    rollout,
    key,
    revision: typeof revision === 'number' ? revision : 0,
    ...(typeof stale === 'number' ? { stale } : {}),
  };
}

/**
 * What is to be done with a message. `known`: the revision that the store has now, 0 when it does not know the rollout.
 * `isOurs`: the store has this message as the one that it painted; else it was painted in a time that the store forgot.
 * `painted`: the revision that this program painted there last, 0 when it did not.
 */
export function verdictOn(
  { revision, stale }: Mark,
  known: number,
  { isOurs = true, painted = 0 } = {},
): 'leave' | 'mark' | 'repaint' {
  if (stale === undefined) {
    if (known < revision || !isOurs || known === 0) return 'mark';
    return revision < painted ? 'repaint' : 'leave';
  }
  if (known > stale && isOurs) return 'repaint';
  return known === 0 && stale > 0 ? 'mark' : 'leave';
}

function recordIn(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
