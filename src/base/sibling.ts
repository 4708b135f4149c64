/**
 * Where a fleet has several services, a node is one of them on a host, and a region is one of them in a place: `us-east-op-1/agent`,
 * `us-east/agent`. Each is what it would be in a fleet of that service alone. Names of settings have no slash in them, so this is
 * read back without doubt.
 */
export const siblingName = (of: string, service: string): string => `${of}/${service}`;

/** The host of a node, the place of a region. */
export const placeOf = (name: string): string => name.split('/')[0] ?? name;

/** Null in a fleet of one service. */
export const serviceIn = (name: string): string | null => name.split('/')[1] ?? null;

/** Whoever names a place or a host means all that is there. */
export const isMeantBy = (name: string, word: string): boolean => name === word || placeOf(name) === word;
