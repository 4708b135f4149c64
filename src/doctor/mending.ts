import type { Host } from '../upgrade/ssh/types.ts';
import { plain, quoted, reach, scan } from './mending-words.ts';

/** A trouble of a node, known well enough to say how it is mended. */
export interface Rule {
  pattern: RegExp;
  /** The trouble without what differs from node to node; the node's own words when absent. */
  common?(match: RegExpExecArray): string;
  /** One command, or what to correct, for all nodes that have it; null when the words say it already. */
  mend(match: RegExpExecArray, hosts: Host[], around: Surroundings): string | null;
}

/** What the settings say about the nodes. */
export interface Surroundings {
  hosts: Record<string, Host>;
  healthUrls: Record<string, string>;
  unit: string;
}

const packages: Record<string, string> = { flock: 'util-linux', tar: 'tar', gzip: 'gzip', systemctl: 'systemd' };

/** The first that fits counts. The words are those of `upgrade/ssh` and `upgrade/host`; test/doctor hears them from there. */
export const rules: Rule[] = [
  {
    pattern: /^its helper (?:does not answer|is not what these settings make)/,
    mend: (_match, hosts) => {
      const [first] = hosts;
      return first === undefined
        ? null
        : `install it anew, as root there: \`zeitwork helper install --node ${first.name}\` prints a script for sh`;
    },
  },
  {
    pattern: /^its login becomes root by more than the helper: (.+)$/,
    mend: (_match, [host]) =>
      `take that out of the files of sudo; \`sudo -l -U ${host?.user}\` shows it, as root there`,
  },
  {
    pattern: /the key file (.+) cannot be read: it does not exist/,
    common: ([, file]) => `the key file ${file} does not exist`,
    mend: ([, file = '']) =>
      `make one with \`ssh-keygen -t ed25519 -N '' -f ${quoted(file)}\` and put its .pub on the nodes, or correct ssh.key`,
  },
  {
    pattern: /permission denied \(public key\)/,
    mend: (_match, hosts) => `\`${reach(hosts, (host) => `ssh-copy-id -i ${quoted(host.keyFile)}.pub`)}\``,
  },
  {
    pattern:
      /host key unknown: .* and (.+) has no line for it|the known_hosts file (.+) cannot be read: it does not exist/,
    common: ([, without, missing]) =>
      without === undefined ? `there is no ${missing}` : `host key unknown: ${without} has no line for it`,
    mend: ([, without, missing], hosts) =>
      `\`${scan(hosts, without ?? missing ?? '')}\`, then compare with \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on each`,
  },
  {
    pattern: /host key changed: .*, but (.+) has /,
    mend: ([, file = ''], [host]) =>
      host === undefined ? null : `then \`ssh-keygen -f ${quoted(file)} -R ${quoted(plain(host))}\``,
  },
  {
    pattern: /sudo (?:asks for a password|refuses this user)/,
    mend: (_match, [host]) =>
      `run there as root: \`echo '${host?.user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/zeitwork\``,
  },
  {
    pattern: /its clock is ([\d.]+) s (ahead|behind)/,
    common: ([, seconds, way]) => `clocks are ${way}, the first by ${seconds} s: switch time synchronisation on`,
    mend: () => 'run there: `sudo timedatectl set-ntp true`',
  },
  {
    pattern: /^install (.+) on it$/,
    common: ([, tools]) => `install ${tools}`,
    mend: ([, tools = '']) => {
      const wanted = new Set(tools.split(', ').map((tool) => packages[tool] ?? 'coreutils'));
      return `run there: \`sudo apt-get install ${[...wanted].join(' ')}\``;
    },
  },
  {
    pattern: /^the unit is \S+$/,
    mend: (_match, _hosts, { unit }) => `run there: \`sudo systemctl restart ${unit}\``,
  },
  {
    pattern: /^health: /,
    mend: (_match, [host], { healthUrls }) =>
      host === undefined ? null : `try it by hand: \`curl -i ${quoted(healthUrls[host.name] ?? '')}\``,
  },
  {
    pattern: /(?:connection refused|timed out|no route to|cannot be resolved)/,
    mend: (_match, [host]) =>
      host === undefined
        ? null
        : `try it by hand: \`${reach([host], ({ keyFile }) => `ssh -i ${quoted(keyFile)}`)} true\``,
  },
  {
    pattern: /^the disk is too full: \d+ MB free for (.+), (\d+ MB) needed$/,
    common: ([, places, bytes]) => `the disk is too full: ${bytes} needed for ${places}`,
    mend: () => null,
  },
];
