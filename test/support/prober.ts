import { get } from 'node:http';

export interface Prober {
  /** The fewest healthy nodes of each region that were ever seen at once. */
  fewest(): Record<string, number>;
  probes(): number;
  stop(): void;
}

/** Asks every node for its health at a steady pace, with nothing of the product in between. */
export function startProber(nodes: { name: string; region: string; healthUrl: string }[], everyMs = 50): Prober {
  const healthy = new Map(nodes.map(({ name }) => [name, true]));
  const fewest: Record<string, number> = {};
  let probes = 0;
  const count = () => {
    for (const region of new Set(nodes.map((node) => node.region))) {
      const up = nodes.filter((node) => node.region === region && healthy.get(node.name)).length;
      fewest[region] = Math.min(fewest[region] ?? up, up);
    }
  };
  const probe = async (node: { name: string; healthUrl: string }) => {
    healthy.set(node.name, await isHealthy(node.healthUrl));
    probes++;
    count();
  };
  const timers = nodes.map((node) => setInterval(() => void probe(node), everyMs));
  return {
    fewest: () => ({ ...fewest }),
    probes: () => probes,
    stop: () => {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** A machine under load is slow to answer; a service that is stopped refuses at once. */
function isHealthy(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 5_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve(response.statusCode === 200 && /"status":\s*"healthy"/.test(body)));
      response.on('error', () => resolve(false));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
