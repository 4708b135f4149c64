import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import { isRecord } from './args.ts';
import { appId } from './workspace.ts';

export type EnvelopeKind = 'slash_commands' | 'interactive' | 'events_api';
export type Ack = { acked: boolean; error: string | null; afterMs: number; payload: Record<string, unknown> };

type Connection = { socket: WebSocket; draining: boolean };
type Delivery = {
  id: string;
  kind: EnvelopeKind;
  payload: Record<string, unknown>;
  tries: number;
  via: Connection | null;
  timer: NodeJS.Timeout;
  settle: (ack: Partial<Ack>) => void;
};

const mostTries: Record<EnvelopeKind, number> = { slash_commands: 2, interactive: 2, events_api: 3 };
const pingEveryMs = 10_000;
const mostConnections = 10;

/** The Socket Mode side of Slack: hands each envelope to one connection, and again when nobody acknowledges it. */
export class Sockets {
  readonly #connections = new Set<Connection>();
  readonly #open = new Map<string, Delivery>();
  readonly #ackTimeoutMs: number;
  readonly #warn: (text: string) => void;
  readonly #pings: NodeJS.Timeout;
  /** How many envelopes were sent, repeats included. */
  sent = 0;
  #losesAck = false;

  constructor(ackTimeoutMs: number, warn: (text: string) => void) {
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#warn = warn;
    this.#pings = setInterval(() => {
      for (const { socket } of this.#connections) socket.ping();
    }, pingEveryMs).unref();
  }

  get connected(): number {
    return [...this.#connections].filter((one) => !one.draining).length;
  }

  attach(socket: WebSocket): void {
    if (this.#connections.size >= mostConnections) {
      socket.send(JSON.stringify({ type: 'disconnect', reason: 'too_many_websockets' }));
      socket.close();
      return;
    }
    const connection: Connection = { socket, draining: false };
    this.#connections.add(connection);
    socket.on('message', (data) => this.#receive(data, connection));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#detach(connection));
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.connected,
        connection_info: { app_id: appId },
        debug_info: { host: 'sandbox', build_number: 1, approximate_connection_time: 18_060 },
      }),
    );
    socket.ping();
    this.#sendUndelivered();
  }

  /** Resolves when the app acknowledges, or when its time is up. Repeats go on after that. */
  deliver(kind: EnvelopeKind, payload: Record<string, unknown>): Promise<Ack> {
    const began = performance.now();
    return new Promise((resolve) => {
      const settle = (ack: Partial<Ack>) =>
        resolve({ acked: false, error: null, payload: {}, ...ack, afterMs: Math.round(performance.now() - began) });
      const id = randomUUID();
      const timer = setTimeout(() => this.#expire(id), this.#ackTimeoutMs);
      const delivery: Delivery = { id, kind, payload, tries: 0, via: null, timer, settle };
      this.#open.set(id, delivery);
      this.#send(delivery);
    });
  }

  loseNextAck(): void {
    this.#losesAck = true;
  }

  /** Asks every client to reconnect, or cuts the lines without a word. */
  disconnect(how: 'refresh_requested' | 'cut' = 'refresh_requested'): void {
    for (const connection of this.#connections) {
      connection.draining = true;
      if (how === 'cut') connection.socket.terminate();
      else connection.socket.send(JSON.stringify({ type: 'disconnect', reason: how, debug_info: { host: 'sandbox' } }));
    }
  }

  /** Says goodbye to every client, and hangs up on those that do not answer within a moment. */
  async close(): Promise<void> {
    clearInterval(this.#pings);
    for (const { timer } of this.#open.values()) clearTimeout(timer);
    this.#open.clear();
    await Promise.all([...this.#connections].map(({ socket }) => hangUp(socket)));
  }

  #send(delivery: Delivery): void {
    const next = [...this.#connections].find((one) => !one.draining);
    delivery.via = next ?? null;
    if (!next) return;
    // Round robin: whoever was served goes to the end.
    this.#connections.delete(next);
    this.#connections.add(next);
    const retry =
      delivery.kind === 'events_api'
        ? { retry_attempt: delivery.tries, retry_reason: delivery.tries ? 'timeout' : '' }
        : {};
    delivery.tries += 1;
    this.sent += 1;
    const envelope = {
      envelope_id: delivery.id,
      type: delivery.kind,
      accepts_response_payload: delivery.kind !== 'events_api',
      payload: delivery.payload,
      ...retry,
    };
    next.socket.send(JSON.stringify(envelope));
  }

  #receive(data: RawData, { socket }: Connection): void {
    const ack = parse(String(data));
    if (typeof ack?.envelope_id !== 'string') return;
    if (this.#losesAck) {
      this.#losesAck = false;
      socket.terminate();
      return;
    }
    const delivery = this.#open.get(ack.envelope_id);
    if (!delivery) return;
    clearTimeout(delivery.timer);
    this.#open.delete(delivery.id);
    if (delivery.tries > 1) this.#warn(`${delivery.kind} acknowledged only at delivery ${delivery.tries}`);
    delivery.settle({ acked: true, payload: isRecord(ack.payload) ? ack.payload : {} });
  }

  #expire(id: string): void {
    const delivery = this.#open.get(id);
    if (!delivery) return;
    delivery.settle({ error: delivery.tries === 0 ? 'dispatch_failed' : 'operation_timeout' });
    const onlyNow = delivery.tries === 0 && delivery.kind !== 'events_api';
    if (onlyNow || delivery.tries >= mostTries[delivery.kind]) return void this.#open.delete(id);
    delivery.timer = setTimeout(() => this.#expire(id), this.#ackTimeoutMs).unref();
    this.#send(delivery);
  }

  #detach(connection: Connection): void {
    this.#connections.delete(connection);
    for (const delivery of this.#open.values()) {
      if (delivery.via === connection) delivery.via = null;
    }
    this.#sendUndelivered();
  }

  #sendUndelivered(): void {
    for (const delivery of this.#open.values()) {
      if (delivery.via === null) this.#send(delivery);
    }
  }
}

function hangUp(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => socket.terminate(), 300);
    socket.once('close', () => {
      clearTimeout(impatient);
      resolve();
    });
    socket.close(1001);
  });
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
