import { firstOf } from '../../base/cut.ts';
import { jsonIn, objectIn } from '../../base/json.ts';
import { plainLine } from '../../base/plain.ts';
import { redact } from '../../base/redact.ts';
import { type Got, get } from './get.ts';
import type { Health, Probe } from './types.ts';

const bodyLimit = 64 * 1024;

const stringOrNull = (value: unknown) => (typeof value === 'string' ? value : null);

/** What a host says of itself, as much as anybody wants to read, without what a terminal or a chat would obey. */
const tame = (text: string) => plainLine(redact(firstOf(text, 2_000))).slice(0, 100);

function tameOrNull(value: unknown): string | null {
  const text = stringOrNull(value);
  return text === null || tame(text) === '' ? null : tame(text);
}

function judge({ httpStatus, contentType, contentEncoding, text }: Extract<Got, { is: 'answered' }>): Health {
  const unhealthy = (detail: string): Health => ({ is: 'unhealthy', httpStatus, detail });
  const answer = objectIn(jsonIn(text));
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

function healthOf(got: Got): Health {
  switch (got.is) {
    case 'answered':
      return judge(got);
    case 'cut':
      return { is: 'unhealthy', httpStatus: got.httpStatus, detail: got.detail };
    case 'unreachable':
      return { is: 'unreachable', detail: got.detail, ...(got.refused ? { refused: true } : {}) };
  }
}

/** Asks each node's health address. */
export function createProbe(urls: Record<string, string>): Probe {
  return {
    async health(node, timeoutMs = 3000) {
      const url = Object.hasOwn(urls, node) ? urls[node] : undefined;
      if (!url) return { is: 'unreachable', detail: `no health address is configured for ${node}` };
      if (!URL.canParse(url)) return { is: 'unreachable', detail: `the health address ${url} is no URL` };
      return healthOf(await get(url, { timeoutMs, limit: bodyLimit }));
    },
  };
}
