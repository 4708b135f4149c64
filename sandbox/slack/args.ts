import type { Metadata } from './types.ts';

/** The arguments of a Web API call: a JSON body, or a form whose structured values are JSON text. */
export type Args = Readonly<Record<string, unknown>>;

/** A refusal in Slack's words: `error` for programs, `messages` for people. */
export class Refusal extends Error {
  readonly code: string;
  readonly messages: string[];
  readonly extra: Record<string, unknown>;

  constructor(code: string, messages: string[] = [], extra: Record<string, unknown> = {}) {
    super([code, ...messages].join(': '));
    this.code = code;
    this.messages = messages;
    this.extra = extra;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(args: Args, key: string): string | null {
  const value = args[key];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

export function required(args: Args, key: string): string {
  const value = text(args, key);
  if (value === null) throw new Refusal('invalid_arguments', [`[ERROR] missing required field: ${key}`]);
  return value;
}

export function flag(args: Args, key: string): boolean {
  return args[key] === true || args[key] === 'true' || args[key] === '1';
}

export function count(args: Args, key: string, otherwise: number): number {
  const value = Number(args[key]);
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}

/** A structured value, whether it came as JSON or as JSON inside a form. */
export function structured(args: Args, key: string): unknown {
  const value = args[key];
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new Refusal(key === 'blocks' ? 'invalid_blocks_format' : 'invalid_arguments', [`[ERROR] ${key} is not JSON`]);
  }
}

/** Absent: undefined. An empty object removes what was there: null. */
export function metadata(args: Args): Metadata | null | undefined {
  const value = structured(args, 'metadata');
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw new Refusal('invalid_metadata_format');
  if (Object.keys(value).length === 0) return null;
  if (typeof value.event_type !== 'string' || !isRecord(value.event_payload))
    throw new Refusal('invalid_metadata_format');
  return { event_type: value.event_type, event_payload: value.event_payload };
}

/** Reads a request body by its content type. */
export function parseBody(body: string, contentType: string): Args {
  if (contentType.startsWith('application/json')) {
    const value: unknown = body === '' ? {} : JSON.parse(body);
    return isRecord(value) ? value : {};
  }
  return Object.fromEntries(new URLSearchParams(body));
}
