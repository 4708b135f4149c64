import { Client } from 'undici';
import { inSeconds } from '../../base/duration.ts';
import { reasonOf } from '../../base/reasons.ts';

/** What became of one request. */
export type Got =
  | { is: 'answered'; httpStatus: number; contentType: string; contentEncoding: string; text: string }
  /** It began to answer, and nobody can use the rest. */
  | { is: 'cut'; httpStatus: number; detail: string }
  /** `refused`: the machine answered that nothing listens there; silence proves nothing. */
  | { is: 'unreachable'; detail: string; refused: boolean };

const libraryReasons: [RegExp, string][] = [[/does not match the HTTP/, 'the port does not speak HTTP']];

/** Why a body is not an answer. */
class BadBody extends Error {}

async function read(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new BadBody(`the answer is larger than ${limit / 1024} kB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The machine itself said that nothing listens; of several addresses, each did. */
function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isRefused);
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

/**
 * One request on a new connection that follows no redirect and knows no proxy. Never throws.
 * @param limit bytes of a body that are read at most
 */
export async function get(url: string, { timeoutMs, limit }: { timeoutMs: number; limit: number }): Promise<Got> {
  if (!URL.canParse(url)) return { is: 'unreachable', detail: `${url} is no URL`, refused: false };
  const { origin, pathname, search } = new URL(url);
  const late = AbortSignal.timeout(timeoutMs);
  let client: Client | null = null;
  let httpStatus: number | null = null;
  try {
    client = new Client(origin, {
      connect: { timeout: timeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    const path = pathname + search;
    const { statusCode, headers, body } = await client.request({ method: 'GET', path, reset: true, signal: late });
    httpStatus = statusCode;
    const header = (name: string) => String(headers[name] ?? '');
    const text = await read(body, limit);
    const contentType = header('content-type');
    return { is: 'answered', httpStatus, contentType, contentEncoding: header('content-encoding'), text };
  } catch (error) {
    const detail = late.aborted ? `no full answer within ${inSeconds(timeoutMs, 1)}` : reasonOf(error, libraryReasons);
    if (httpStatus !== null) return { is: 'cut', httpStatus, detail };
    return { is: 'unreachable', detail, refused: isRefused(error) };
  } finally {
    client?.destroy().catch(() => {});
  }
}
