import type { Host } from '../upgrade/ssh/types.ts';
import type { Absolute } from './paths.ts';
import type { Path, Problem } from './problems.ts';
import type { WrittenHost, WrittenJump, WrittenNode, WrittenSsh } from './schema.ts';
import type { SshLookup } from './ssh-config.ts';

export interface Access {
  ssh: WrittenSsh;
  /** Null when no `ssh.config` was given. */
  lookup: SshLookup | null;
  absolute: Absolute;
}

/** A host on the way to a node: the node itself first, then its jump hosts. */
interface Stop {
  name: string;
  written: Omit<WrittenJump, 'address'> & { address?: string | undefined };
  path: Path;
  /** Jump hosts that were passed already; a second visit is a circle. */
  passed: string[];
}

const hop = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(\[[^\]\s]+\]|[^:\s]+)(?::(\d{1,5}))?\/?$/;

/** How to reach one node: its own keys win over the `ssh` block, that over the ssh_config file, that over defaults. */
export function hostOf(node: WrittenNode, path: Path, access: Access): { host: Host; problems: Problem[] } {
  const route = new Route(access);
  const host = route.resolve({ name: node.name, written: node, path, passed: [] });
  return { host: { ...host, become: access.ssh.become }, problems: route.problems };
}

/** No node, so its own key and address are its own; what runs there is root by sudo, never by a helper. */
export function otherHostOf(name: string, written: WrittenHost, access: Access): { host: Host; problems: Problem[] } {
  const route = new Route(access);
  const host = route.resolve({ name, written, path: ['hosts', name], passed: [] });
  return { host, problems: route.problems };
}

class Route {
  readonly problems: Problem[] = [];
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  resolve(stop: Stop): Host {
    const { name, written, path } = stop;
    const { ssh, lookup, absolute } = this.#access;
    const entry = lookup?.(name);
    const address = written.address ?? (lookup && (entry?.hostName ?? name));
    const user = written.user ?? ssh.user ?? entry?.user;
    if (!address) this.#say([...path, 'address'], 'is missing; write a host name or IP address');
    if (user === undefined)
      this.#say(['ssh', 'user'], 'is missing; write the login of all nodes here, or user at each');
    const jump = this.#jumpOf(stop, entry?.proxyJump);
    return {
      name,
      address: address ?? '',
      port: written.port ?? ssh.port ?? entry?.port ?? 22,
      user: user ?? '',
      keyFile: absolute(written.key ?? ssh.key ?? entry?.key ?? '~/.ssh/id_ed25519'),
      knownHostsFile: absolute(written.knownHosts ?? ssh.knownHosts ?? entry?.knownHosts ?? '~/.ssh/known_hosts'),
      ...(jump && { jump }),
    };
  }

  /** `ssh.jump` is the default of nodes; a jump host has only its own. */
  #jumpOf(stop: Stop, proxyJump: string | undefined): Host | null {
    const { jump } = this.#access.ssh;
    if (stop.written.jump !== undefined) return this.#named(stop.written.jump, [...stop.path, 'jump'], stop.passed);
    if (jump !== undefined && stop.passed.length === 0) return this.#named(jump, ['ssh', 'jump'], stop.passed);
    if (proxyJump === undefined || proxyJump.toLowerCase() === 'none') return null;
    return this.#proxied(proxyJump, stop);
  }

  #named(name: string | null, path: Path, passed: string[]): Host | null {
    if (name === null) return null;
    const written = this.#jumpHost(name);
    if (written === undefined) return this.#say(path, `"${name}" is not a jump host; describe it under ssh.jumpHosts`);
    if (passed.includes(name)) return this.#say(path, `"${name}" leads through itself; end the chain with jump: null`);
    return this.resolve({ name, written, path: ['ssh', 'jumpHosts', name], passed: [...passed, name] });
  }

  /** `a,b` goes through a first, then b: b is the jump host, and a is the jump host of b. */
  #proxied(written: string, stop: Stop): Host | null {
    const hops = written.split(',').map((each) => each.trim());
    const [, user, bracketed, port] = hop.exec(hops.pop() ?? '') ?? [];
    const name = bracketed?.replace(/^\[|\]$/g, '');
    if (name === undefined || stop.passed.includes(name)) {
      return this.#say(
        [...stop.path, 'jump'],
        `ProxyJump "${written}" (ssh.config) leads nowhere; write [user@]host[:port]`,
      );
    }
    const own = { ...this.#jumpHost(name), ...(user && { user }), ...(port && { port: Number(port) }) };
    const host = this.resolve({ name, written: own, path: stop.path, passed: [...stop.passed, name] });
    const before = hops.length > 0 ? this.#proxied(hops.join(','), { ...stop, passed: [...stop.passed, name] }) : null;
    return before === null ? host : { ...host, jump: before };
  }

  #jumpHost(name: string): WrittenJump | undefined {
    const { jumpHosts } = this.#access.ssh;
    return Object.hasOwn(jumpHosts, name) ? jumpHosts[name] : undefined;
  }

  #say(path: Path, message: string): null {
    this.problems.push({ path, message });
    return null;
  }
}
