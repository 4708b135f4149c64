import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Door } from './door.ts';
import type { Build } from './releases.ts';

/** How it answers what is asked besides its health; may change while it runs. */
export interface Manners {
  /** Every request counts as an error, and is logged as one. */
  errors: boolean;
  metrics: boolean;
  /** The API answers after 8 s. */
  slow: boolean;
}

export interface Surroundings {
  hostname: string;
  door: Door;
  /** The environment file of the unit, parsed. */
  env: Record<string, string>;
  /** Multiplies every duration of the program. */
  timeScale: number;
  /** Names of nodes. */
  oldAgents: ReadonlySet<string>;
  manners?: Readonly<Manners>;
  log(line: string): void;
  /** Called once, with the exit code. */
  exited(code: number): void;
}

/** What an answer takes by its own count, ms, besides what it really took. */
const usual = 5;

/** The running service: what zeitwork-operator would do, played from the header of the installed build. */
export class Program {
  readonly #build: Build;
  readonly #around: Surroundings;
  readonly #server: Server;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #started = performance.now();
  #requests = 0;
  #errors = 0;
  #seconds = 0;
  #ended = false;

  constructor(build: Build, around: Surroundings) {
    this.#build = build;
    this.#around = around;
    this.#server = createServer((request, response) => this.#answer(request, response));
    const region = around.env.ZEITWORK_REGION ?? 'unknown';
    this.#log('INFO', `starting zeitwork-operator version=${build.reported} region=${region}`);
    this.#begin();
  }

  /** A connection that came in at the service's port. */
  enter(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** SIGTERM: ends in order, a moment later. */
  terminate(): void {
    this.#after(50, () => {
      this.#log('INFO', 'received SIGTERM, shutting down');
      this.#exit(0);
    });
  }

  /** Ends at once, as when the machine goes down. */
  kill(): void {
    this.#exit(137);
  }

  #begin(): void {
    const { fault } = this.#build;
    if (fault === 'exit-at-start') this.#die('migration lock table missing, cannot start');
    else if (!this.#around.env.DATABASE_URL) this.#die('DATABASE_URL is not set');
    else if (fault === 'needs-param' && !this.#around.env.NEW_PARAM) this.#die('NEW_PARAM is not set');
    else if (fault === 'slow-start') this.#after(4_000, () => this.#listen());
    else this.#listen();
  }

  #listen(): void {
    this.#log('INFO', 'database connection established');
    this.#around.door.open().then(
      () => this.#log('INFO', `listening on :${this.#around.door.port}`),
      (error: Error) => this.#die(`cannot listen on port ${this.#around.door.port}: ${error.message}`),
    );
    if (this.#build.fault === 'unhealthy-200') this.#log('ERROR', 'reconcile loop stalled');
    if (this.#build.fault === 'dies-after-20s') {
      this.#after(20_000, () => this.#die('out of memory in reconcile loop'));
    }
  }

  #die(reason: string): void {
    this.#log('FATAL', reason);
    this.#after(5, () => this.#exit(1));
  }

  #exit(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    void this.#around.door.shut();
    this.#around.exited(code);
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(then, ms * this.#around.timeScale);
    this.#timers.add(timer);
  }

  #log(level: string, message: string): void {
    if (this.#ended) return;
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    this.#around.log(`time=${time} level=${level} msg="${message}"`);
  }

  #ready(): boolean {
    if (this.#build.fault === 'never-healthy') return false;
    const needed = this.#build.fault === 'slow-start' ? 8_000 : 300;
    return performance.now() - this.#started >= needed * this.#around.timeScale;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { errors = false, slow = false } = this.#around.manners ?? {};
    this.#requests++;
    if (errors) this.#errors++;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://node');
    if (errors && pathname.startsWith('/api/')) this.#log('ERROR', 'the request was answered, and counted as an error');
    const { code, body } = this.#page(pathname);
    const type = pathname === '/metrics' ? 'text/plain; version=0.0.4' : 'application/json';
    const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
    const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) };
    const from = performance.now();
    const end = () => {
      this.#seconds += usual / 1000 + (performance.now() - from) / 1000;
      response.writeHead(code, headers).end(text);
    };
    const wait = Number(searchParams.get('wait') ?? 0);
    // A long poll: whoever stops the service meanwhile cuts it off.
    if (wait > 0) this.#after(wait, end);
    else if (this.#build.fault === 'slower') setTimeout(end, 20);
    else if (slow && pathname.startsWith('/api/')) this.#timers.add(setTimeout(end, 8_000));
    else end();
  }

  #page(path: string): { code: number; body: unknown } {
    const stalled = this.#build.fault === 'unhealthy-200';
    const up = this.#ready() && !stalled;
    const version = this.#build.reported;
    switch (path) {
      case '/health':
        if (stalled) return { code: 200, body: { status: 'unhealthy', version, error: 'reconcile loop stalled' } };
        return {
          code: up ? 200 : 503,
          body: { status: up ? 'healthy' : 'starting', version, hostname: this.#around.hostname },
        };
      case '/health/ready':
        return { code: up ? 200 : 503, body: { status: up ? 'ready' : 'not ready' } };
      case '/health/live':
        return { code: 200, body: { status: 'alive' } };
      case '/metrics':
        return this.#around.manners?.metrics === false
          ? { code: 404, body: { error: 'not found' } }
          : { code: 200, body: this.#metrics() };
      case '/api/v1/nodes':
        return { code: 200, body: peers(this.#around.env.ZEITWORK_PEERS ?? '', this.#around.oldAgents) };
      case '/api/v1/schema':
        return { code: 200, body: { version: 2 } };
      case '/api/v1/instances':
        return { code: 200, body: instances(this.#around.hostname) };
      default:
        return { code: 404, body: { error: 'not found' } };
    }
  }

  #metrics(): string {
    const values: [name: string, type: string, labels: string, value: string][] = [
      ['build_info', 'gauge', `{version="${this.#build.reported}"}`, '1'],
      ['uptime_seconds', 'gauge', '', ((performance.now() - this.#started) / 1000).toFixed(1)],
      ['http_requests_total', 'counter', '', String(this.#requests)],
      ['instances', 'gauge', '', '3'],
      ['errors_total', 'counter', '', String(this.#errors)],
      ['request_duration_seconds_sum', 'counter', '', this.#seconds.toFixed(6)],
      ['request_duration_seconds_count', 'counter', '', String(this.#requests)],
    ];
    return values
      .map(([name, type, labels, value]) => [`zeitwork_operator_${name}`, type, labels, value] as const)
      .map(([name, type, labels, value]) => `# TYPE ${name} ${type}\n${name}${labels} ${value}\n`)
      .join('');
  }
}

/** `name=address,…` of ZEITWORK_PEERS as the API lists it. */
function peers(text: string, oldAgents: ReadonlySet<string>): unknown[] {
  return text
    .split(',')
    .map((peer) => peer.split('='))
    .filter((peer) => peer.length === 2)
    .map(([name = '', address]) => ({
      id: `node-${name}`,
      hostname: name,
      region: name.replace(/-op-.*$/, ''),
      address,
      agent_version: oldAgents.has(name) ? 'v1.0.4' : 'v1.1.2',
      state: 'ready',
    }));
}

function instances(host: string): unknown[] {
  return [1, 2, 3].map((number) => ({ id: `inst-${host}-000${number}`, node: host, state: 'running' }));
}
