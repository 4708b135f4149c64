import { inSeconds } from '../base/duration.ts';
import { objectIn } from '../base/json.ts';
/** One answer of Slack's Web API, with the headers that say more than the body. */
export interface Answer {
  ok: boolean;
  /** Slack's word for what is wrong; null when `ok`. */
  error: string | null;
  body: Record<string, unknown>;
  /** What the token may do; empty when Slack did not say. */
  scopes: string[];
  /** Epoch ms of Slack's own clock, whole seconds; null when it did not say. */
  date: number | null;
}

/** Calls one method. @throws Error in words when Slack cannot be reached or does not answer in JSON. */
export type Call = (method: string, token: string, args?: Record<string, string>) => Promise<Answer>;

const timeoutMs = 10_000;

/** @param apiUrl another address of the API; null for Slack itself */
export function slackAt(apiUrl: string | null): Call {
  const base = apiUrl ?? 'https://slack.com/api/';
  return async (method, token, args = {}) => {
    const response = await fetch(new URL(method, base.endsWith('/') ? base : `${base}/`), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: new URLSearchParams(args),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      throw new Error(`${new URL(base).host} cannot be reached: ${causeOf(error)}`);
    });
    const body = objectIn(await response.json().catch(() => null));
    if (body === null) throw new Error(`${new URL(base).host} answered ${response.status} without JSON`);
    const ok = body.ok === true;
    return {
      ok,
      error: ok ? null : String(body.error ?? `HTTP ${response.status}`),
      body,
      scopes: (response.headers.get('x-oauth-scopes') ?? '').split(/[\s,]+/).filter((scope) => scope !== ''),
      date: instantIn(response.headers.get('date')),
    };
  };
}

function instantIn(header: string | null): number | null {
  const instant = Date.parse(header ?? '');
  return Number.isNaN(instant) ? null : instant;
}

/** fetch says "fetch failed"; what happened is in its cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${inSeconds(timeoutMs)}`;
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
