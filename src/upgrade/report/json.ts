import type { Pack } from './pack.ts';

/** Keys whose numbers are instants; of all others they are durations in ms, or counts. */
const instants = new Set([
  ...['at', 'from', 'to', 'since', 'createdAt', 'startedAt', 'endedAt', 'askedAt', 'rehearsedAt'],
  ...['over', 'planned', 'start', 'end'],
]);

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The pack for programs: instants as ISO 8601 in UTC. `schema` is raised when a key goes away or changes its meaning. */
export function packFacts(pack: Pack): { [key: string]: Json } {
  const { calendars, ...rest } = pack;
  const zones = Object.fromEntries(Object.entries(calendars).map(([region, { zone }]) => [region, zone]));
  const told = readable({ ...rest, zones });
  return typeof told === 'object' && told !== null && !Array.isArray(told) ? told : {};
}

function readable(value: unknown, key = ''): Json {
  if (typeof value === 'number') return instants.has(key) ? new Date(value).toISOString() : value;
  if (Array.isArray(value)) return value.map((each) => readable(each));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, each]) => (each === undefined ? [] : [[name, readable(each, name)]])),
    );
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}
