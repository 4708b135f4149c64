import type { Lacking, Pool, Server, Wanted } from './types.ts';

/** Who is wanted and is not there, or is somebody else. */
export function misfit(pool: Pool, { in: ins, out, ports }: Wanted): string | null {
  const known = new Map(pool.map((server) => [server.name, server]));
  const absent = [...ins, ...out].filter((name) => !known.has(name));
  if (absent.length > 0) return `the balancer has no server ${absent.join(', ')}`;
  const elsewhere = [...ins, ...out].flatMap((name) => {
    const [found, wanted] = [known.get(name)?.port ?? null, ports[name]];
    return found === null || wanted === undefined || found === wanted
      ? []
      : [`${name} leads to port ${found}, not ${wanted}`];
  });
  return elsewhere.length > 0 ? `on the balancer ${elsewhere.join(', ')}` : null;
}

const serversOf = (pool: Pool, names: string[]): Server[] => pool.filter(({ name }) => names.includes(name));

/** Who is in as the way there wants it: what somebody put into maintenance stays there. */
export const comingIn = (pool: Pool, wanted: Wanted): Server[] =>
  serversOf(pool, wanted.in).filter(({ gets }) => wanted.fromMaintenance || gets !== 'maintenance');

const serves = ({ gets, well }: Server): boolean => gets === 'traffic' && (well === 'yes' || well === 'unasked');

export const serving = (pool: Pool, wanted: Wanted): string[] =>
  serversOf(pool, wanted.in)
    .filter(serves)
    .map(({ name }) => name);

/** Why nobody may be taken out yet; null when enough serve. */
export function tooFew(pool: Pool, wanted: Wanted): string | null {
  const there = serving(pool, wanted);
  if (there.length >= wanted.need) return null;
  const lacking = serversOf(pool, wanted.in).filter((server) => !serves(server));
  return `${there.length} of ${wanted.need} serve: ${lacking.map(stateOf).join(', ')}`;
}

/** Why it is not as it was left; null while it is. */
export function otherThan(pool: Pool, wanted: Wanted): string | null {
  const wrong = misfit(pool, wanted);
  if (wrong !== null) return wrong;
  const lost = comingIn(pool, wanted).filter(({ gets }) => gets !== 'traffic');
  const back = serversOf(pool, wanted.out).filter(({ gets }) => gets === 'traffic');
  const says = [
    ...lost.map(({ name }) => `${name} gets no traffic`),
    ...back.map(({ name }) => `${name} gets traffic`),
  ];
  return says.length > 0 ? says.join(', ') : null;
}

export function stateOf({ name, gets, well }: Server): string {
  const health = well === 'yes' || well === 'unasked' ? '' : well === 'no' ? ', not healthy' : ', not checked yet';
  return `${name} ${gets === 'traffic' ? 'is in' : gets === 'nothing' ? 'is out' : 'is in maintenance'}${health}`;
}

export const impossible = (reason: string): Lacking => ({ is: 'impossible', reason });

/** What a balancer calls the new place of a node. */
export const serverOf = (pattern: string, node: string): string => pattern.replaceAll('{name}', node);
