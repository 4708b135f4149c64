import { Agent, get } from 'node:http';

export interface Target {
  name: string;
  region: string;
  healthUrl: string;
}

/** What one node last said at its health address. */
export interface Sight {
  status: 'healthy' | 'starting' | 'unhealthy' | 'down';
  /** null when nothing answered. */
  version: string | null;
}

export interface Count {
  /** Answers and refusals so far. */
  probes: number;
  /** Moments (one per interval and region) in which a region had fewer than two healthy nodes. */
  failures: number;
  /** By region. */
  fewestHealthy: Record<string, number>;
  /** Epoch ms. */
  since: number;
}

/** An answer that is this many rounds late counts as none. Rounds, because they pass only while this process runs. */
const patience = 10;
const down: Sight = { status: 'down', version: null };

/** Looks at every node in rounds, over HTTP as anyone else would, and keeps count. */
export class Prober {
  readonly #targets: Target[];
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sights = new Map<string, Sight>();
  readonly #waiting = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #count: Count;

  constructor(targets: Target[], intervalMs: number, now: () => number) {
    this.#targets = targets;
    this.#intervalMs = intervalMs;
    this.#now = now;
    this.#count = this.#zero();
  }

  /** Begins to count, from a first look at all nodes. */
  async start(): Promise<void> {
    await Promise.all(this.#targets.map((target) => this.#probe(target)));
    this.#count = this.#zero();
    // After the poll phase, so that an answer that is here already is not taken for late.
    this.#timer ??= setInterval(() => setImmediate(() => this.#round()), this.#intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#agent.destroy();
  }

  count(): Count {
    return { ...this.#count, fewestHealthy: { ...this.#count.fewestHealthy } };
  }

  sight(node: string): Sight {
    return this.#sights.get(node) ?? down;
  }

  /** One look at one node, outside the rounds; never throws. */
  look(target: Target): Promise<Sight> {
    return new Promise((resolve) => {
      const lost = () => resolve(down);
      get(target.healthUrl, { agent: this.#agent, timeout: 3_000 }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve(sightIn(response.statusCode ?? 0, body))).on('error', lost);
      })
        .on('timeout', function (this: { destroy(): void }) {
          this.destroy();
        })
        .on('error', lost);
    });
  }

  #round(): void {
    if (this.#timer === undefined) return;
    for (const target of this.#targets) void this.#probe(target);
    for (const [region, healthy] of this.#healthyByRegion()) {
      this.#count.fewestHealthy[region] = Math.min(this.#count.fewestHealthy[region] ?? healthy, healthy);
      if (healthy < 2) this.#count.failures++;
    }
  }

  async #probe(target: Target): Promise<void> {
    const rounds = this.#waiting.get(target.name);
    if (rounds !== undefined) {
      this.#waiting.set(target.name, rounds + 1);
      if (rounds + 1 >= patience) this.#sights.set(target.name, down);
      return;
    }
    this.#waiting.set(target.name, 0);
    const sight = await this.look(target);
    this.#waiting.delete(target.name);
    this.#sights.set(target.name, sight);
    this.#count.probes++;
  }

  #healthyByRegion(): Map<string, number> {
    const result = new Map<string, number>();
    for (const { name, region } of this.#targets) {
      const healthy = this.sight(name).status === 'healthy' ? 1 : 0;
      result.set(region, (result.get(region) ?? 0) + healthy);
    }
    return result;
  }

  #zero(): Count {
    return { probes: 0, failures: 0, fewestHealthy: {}, since: this.#now() };
  }
}

/** Healthy is HTTP 200 and JSON `status` exactly `healthy`. */
function sightIn(code: number, body: string): Sight {
  try {
    const { status, version }: { status?: unknown; version?: unknown } = JSON.parse(body);
    const known =
      code === 200 && status === 'healthy'
        ? 'healthy'
        : code === 503 && status === 'starting'
          ? 'starting'
          : 'unhealthy';
    return { status: known, version: typeof version === 'string' ? version : null };
  } catch {
    return { status: 'unhealthy', version: null };
  }
}
