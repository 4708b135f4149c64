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

const agent = new Agent({ connect: { timeout: 10_000 }, headersTimeout: 15_000, bodyTimeout: 30_000 });

/** A small text, or null when the server says 404. @throws Refused */
export async function fetchText(url: URL, limits: Limits): Promise<string | null> {
  return attempt(url, async () => {
    const response = await open(url, 'GET', limits);
    if (response.status === 404) return null;
    const chunks: Buffer[] = [];
    for await (const chunk of limited(bodyOf(response, url), url, limits.maxBytes)) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  });
}

/** Writes what the URL gives into a new file. @throws Refused */
export async function fetchFile(url: URL, path: string, limits: Limits): Promise<void> {
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
export async function existsAt(url: URL, limits: Limits): Promise<boolean> {
  return attempt(url, async () => (await open(url, 'HEAD', limits)).ok);
}

async function open(url: URL, method: string, { timeoutMs }: Limits): Promise<Response> {
  const response = await fetch(url, { method, dispatcher: agent, signal: AbortSignal.timeout(timeoutMs) });
  if (url.protocol === 'https:' && !response.url.startsWith('https:')) {
    throw new Refused(`${shown(url)} leads from https to ${shown(new URL(response.url))}; publish it with https`);
  }
  return response;
}

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
