import type { Host } from '../upgrade/ssh/types.ts';

/** A word for a shell, quoted only where it must be, since a person reads it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A host as known_hosts has it. */
export const plain = ({ address, port }: Host): string => (port === 22 ? address : `[${address}]:${port}`);

/** Commands that would not fit into a line are cut; the pattern shows from the first ones. */
const most = 3;

/** `command` with how each host is logged in to: one loop where only the address differs. */
export function reach(hosts: Host[], command: (host: Host) => string): string {
  const calls = grouped(hosts, (host) => [command(host), ...viaOf(host), ...portOf(host), host.user].join(' '));
  return joined(
    calls.map(([host, all]) => {
      const head = [command(host), ...viaOf(host), ...portOf(host)].join(' ');
      if (all.length === 1) return `${head} ${host.user}@${host.address}`;
      return `for host in ${all.map(({ address }) => address).join(' ')}; do ${head} ${host.user}@$host; done`;
    }),
  );
}

/** Asks the hosts for their keys, from where they can be reached, and adds these to `file`. */
export function scan(hosts: Host[], file: string): string {
  const calls = grouped(hosts, ({ port, jump }) => `${port} ${jump?.name ?? ''}`);
  return joined(
    calls.map(([host, all]) => {
      const from = host.jump ? [...['ssh', ...portOf(host.jump)], `${host.jump.user}@${host.jump.address}`] : [];
      const addresses = all.map(({ address }) => address);
      return [...from, 'ssh-keyscan', ...portOf(host), ...addresses, '>>', quoted(file)].join(' ');
    }),
  );
}

const portOf = ({ port }: Host): string[] => (port === 22 ? [] : ['-p', String(port)]);
const viaOf = ({ jump }: Host): string[] =>
  jump ? [`-o ProxyJump=${jump.user}@${jump.address}${jump.port === 22 ? '' : `:${jump.port}`}`] : [];

function grouped(hosts: Host[], keyOf: (host: Host) => string): [first: Host, all: Host[]][] {
  return groupsBy(hosts, keyOf).flatMap((all): [Host, Host[]][] => (all[0] === undefined ? [] : [[all[0], all]]));
}

/** In the order in which the keys come first. */
export function groupsBy<T>(all: T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups.values()];
}

function joined(commands: string[]): string {
  const shown = commands.slice(0, most).join('; ');
  return commands.length > most ? `${shown}; …` : shown;
}
