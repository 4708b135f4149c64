import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { methods } from './api/index.ts';
import type { Method, Office } from './api/method.ts';
import { type Args, Refusal, text } from './args.ts';

export type Tokens = { bot: string; app: string };

/** What goes back to the app; `null` cuts the connection instead. */
export type Answer = { status: number; headers: Record<string, string>; body: Record<string, unknown> } | null;

export type WebApi = (method: string, args: Args, request: IncomingMessage) => Promise<Answer>;

/** The Web API: tokens, scopes, rate limits and faults around the table of methods. */
export function webApi(office: Office, tokens: Tokens, scopes: string[], latencyMs: number): WebApi {
  const { workspace, faults } = office;

  return async (name, args, request) => {
    if (latencyMs > 0) await sleep(latencyMs);
    await faults.arrival(name);
    const retryAfterS = faults.takeLimit(name);
    if (retryAfterS !== null) {
      note(name, 'ratelimited');
      return {
        status: 429,
        headers: { 'retry-after': String(retryAfterS) },
        body: { ok: false, error: 'ratelimited' },
      };
    }
    const failure = faults.takeFailure(name);
    if (failure !== null) {
      note(name, 'internal_error');
      return { status: failure, headers: {}, body: { ok: false, error: 'internal_error' } };
    }
    const body = answer(name, args, bearer(request) ?? text(args, 'token'));
    note(name, typeof body.error === 'string' ? body.error : null);
    return faults.takeDrop(name) ? null : { status: 200, headers: { 'x-oauth-scopes': scopes.join(',') }, body };
  };

  function answer(name: string, args: Args, token: string | null): Record<string, unknown> {
    try {
      const method = methods[name];
      if (!method) throw new Refusal('unknown_method');
      checkToken(method, token);
      if (method.scope !== null && !scopes.includes(method.scope)) {
        throw new Refusal('missing_scope', [], { needed: method.scope, provided: scopes.join(',') });
      }
      return { ok: true, ...method.run(args, office) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const told =
        error.messages.length > 0 ? { errors: error.messages, response_metadata: { messages: error.messages } } : {};
      return { ok: false, error: error.code, ...told, ...error.extra };
    }
  }

  function checkToken(method: Method, token: string | null): void {
    if (token === null) throw new Refusal('not_authed');
    if (faults.areTokensRevoked) throw new Refusal('token_revoked');
    if (token !== tokens.bot && token !== tokens.app) throw new Refusal('invalid_auth');
    if (token !== (method.token === 'app' ? tokens.app : tokens.bot)) throw new Refusal('not_allowed_token_type');
  }

  function note(method: string, error: string | null): void {
    workspace.calls.push({ method, ok: error === null, error, at: Date.now() });
  }
}

function bearer(request: IncomingMessage): string | null {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? null;
}
