import { Client } from 'undici';
import { inSeconds } from '../../base/duration.ts';
import { objectIn } from '../../base/json.ts';
import { reasonOf } from '../../base/reasons.ts';
import type { Health, Probe } from './types.ts';

const bodyLimit = 64 * 1024;

const libraryReasons: [RegExp, string][] = [[/does not match the HTTP/, 'the port does not speak HTTP']];

/** Why a body is not an answer. */
class BadBody extends Error {}

async function readBody(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bodyLimit) throw new BadBody('the answer is larger than 64 kB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): Record<string, unknown> | null {
  try {
    return objectIn(JSON.parse(text));
  } catch {
    return null;
  }
}

const stringOrNull = (value: unknown) => (typeof value === 'string' ? value : null);

/** What a host says of itself, as much as anybody wants to read, without what a terminal or a chat would obey. */
const tame = (text: string) => text.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 100);

function tameOrNull(value: unknown): string | null {
  const text = stringOrNull(value);
  return text === null || tame(text) === '' ? null : tame(text);
}

interface Answer {
  httpStatus: number;
  contentType: string;
  contentEncoding: string;
  text: string;
}

function judge({ httpStatus, contentType, contentEncoding, text }: Answer): Health {
  const unhealthy = (detail: string): Health => ({ is: 'unhealthy', httpStatus, detail });
  const answer = parse(text);
  const status = stringOrNull(answer?.status);
  if (httpStatus >= 300 && httpStatus < 400) return unhealthy(`${httpStatus} redirect`);
  if (httpStatus !== 200) return unhealthy(`${httpStatus} ${status === null ? '' : tame(status)}`.trim());
  if (contentEncoding !== '') return unhealthy(`the answer is compressed (${tame(contentEncoding)})`);
  if (contentType !== '' && !/json|^text\/plain/i.test(contentType))
    return unhealthy(`not JSON but ${tame(contentType)}`);
  if (!answer) return unhealthy('the answer is not a JSON object');
  if (status === null) return unhealthy('the answer has no status');
  if (status !== 'healthy') return unhealthy(tame(status));
  return { is: 'healthy', version: tameOrNull(answer.version), hostname: tameOrNull(answer.hostname) };
}

/** The machine itself said that nothing listens; of several addresses, each did. */
function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isRefused);
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

async function ask(url: URL, timeoutMs: number): Promise<Health> {
  const client = new Client(url.origin, {
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const late = AbortSignal.timeout(timeoutMs);
  let httpStatus: number | null = null;
  try {
    const path = url.pathname + url.search;
    const { statusCode, headers, body } = await client.request({ method: 'GET', path, reset: true, signal: late });
    httpStatus = statusCode;
    const header = (name: string) => String(headers[name] ?? '');
    const contentType = header('content-type');
    return judge({ httpStatus, contentType, contentEncoding: header('content-encoding'), text: await readBody(body) });
  } catch (error) {
    const detail = late.aborted ? `no full answer within ${inSeconds(timeoutMs, 1)}` : reasonOf(error, libraryReasons);
    if (httpStatus !== null) return { is: 'unhealthy', httpStatus, detail };
    return { is: 'unreachable', detail, ...(isRefused(error) ? { refused: true } : {}) };
  } finally {
    client.destroy().catch(() => {});
  }
}

/** Asks each node's health address. Every request is a new connection, follows no redirect and knows no proxy. */
export function createProbe(urls: Record<string, string>): Probe {
  return {
    async health(node, timeoutMs = 3000) {
      const url = Object.hasOwn(urls, node) ? urls[node] : undefined;
      if (!url) return { is: 'unreachable', detail: `no health address is configured for ${node}` };
      if (!URL.canParse(url)) return { is: 'unreachable', detail: `the health address ${url} is no URL` };
      try {
        return await ask(new URL(url), timeoutMs);
      } catch (error) {
        return { is: 'unreachable', detail: reasonOf(error, libraryReasons) };
      }
    },
  };
}
