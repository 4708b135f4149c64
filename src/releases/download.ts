import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch, type Response } from 'undici';
import { Refused } from '../base/errors.ts';

export interface Limits {
  maxBytes: number;
  /** Whole transfer, ms. */
  timeoutMs: number;
}

/** How things are fetched. */
export interface Way extends Limits {
  /** Whether plain http will do, on which anybody on the way can change what arrives; on this machine it always does. */
  plain: boolean;
}

const maxRedirects = 5;

const agent = new Agent({ connect: { timeout: 10_000 }, headersTimeout: 15_000, bodyTimeout: 30_000 });

/** A small text, or null when the server says 404. @throws Refused */
export async function fetchText(url: URL, limits: Way): Promise<string | null> {
  return attempt(url, async () => {
    const response = await open(url, 'GET', limits);
    if (response.status === 404) return null;
    const chunks: Buffer[] = [];
    for await (const chunk of limited(bodyOf(response, url), url, limits.maxBytes)) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  });
}

/** Writes what the URL gives into a new file. @throws Refused */
export async function fetchFile(url: URL, path: string, limits: Way): Promise<void> {
  await attempt(url, async () => {
    const response = await open(url, 'GET', limits);
    const announced = Number(response.headers.get('content-length') ?? 0);
    if (announced > limits.maxBytes) throw tooLarge(url, limits.maxBytes);
    await pipeline(
      limited(bodyOf(response, url), url, limits.maxBytes),
      createWriteStream(path, { flags: 'wx', flush: true }),
    );
  });
}

/** @throws Refused when the server does not answer. */
export async function existsAt(url: URL, limits: Way): Promise<boolean> {
  return attempt(url, async () => (await open(url, 'HEAD', limits)).ok);
}

/** Goes along with redirects by hand, so that each one is looked at before anything is asked of where it leads. */
async function open(url: URL, method: string, { timeoutMs, plain }: Way): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs);
  refusePlain(url, plain);
  let at = url;
  for (let hops = 0; hops <= maxRedirects; hops += 1) {
    const response = await fetch(at, { method, dispatcher: agent, signal, redirect: 'manual' });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    const to = new URL(location, at);
    if (at.protocol === 'https:' && to.protocol !== 'https:') {
      throw new Refused(`${shown(url)} leads from https to ${shown(to)}; publish it with https`);
    }
    refusePlain(to, plain);
    at = to;
  }
  throw new Refused(`${shown(url)} is redirected more than ${maxRedirects} times; check releases.url`);
}

function refusePlain(url: URL, plain: boolean): void {
  if (url.protocol === 'https:' || (url.protocol === 'http:' && (plain || isLoopback(url)))) return;
  throw new Refused(
    `${shown(url)} is not https, and anybody on the way could change what arrives: publish it with https, use a directory, or write releases.unsigned: allowed`,
  );
}

const isLoopback = ({ hostname }: URL) => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);

function bodyOf(response: Response, url: URL): Readable {
  if (!response.ok || response.body === null)
    throw new Refused(`${shown(url)} answered ${response.status}; check releases.url`);
  return Readable.fromWeb(response.body);
}

function limited(body: Readable, url: URL, maxBytes: number): Transform {
  let bytes = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(url, maxBytes));
      else done(null, chunk);
    },
  });
  body.on('error', (error) => limit.destroy(error));
  limit.on('close', () => body.destroy());
  return body.pipe(limit);
}

function tooLarge(url: URL, maxBytes: number): Refused {
  return new Refused(`${shown(url)} is larger than ${maxBytes} bytes; check releases.url`);
}

async function attempt<T>(url: URL, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Refused(`${shown(url)} could not be fetched (${reason}); try again when it answers`);
  }
}

/** Without query and credentials: they may be a secret. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
