import { request } from 'undici';
import { reasonOf } from '../../base/reasons.ts';
import { redact } from '../../base/redact.ts';
import type { Webhook, WebhookPlace } from './types.ts';

const timeoutMs = 10_000;

/** Posts JSON; follows no redirect, and an answer of 2xx alone says that it was taken. */
export function createWebhook({ name, url, token }: WebhookPlace): Webhook {
  return {
    name,
    async post(body) {
      const headers = {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      };
      const status = await request(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      }).then(
        async (answer) => {
          await answer.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
          return answer.statusCode;
        },
        (error: unknown) => {
          throw new Error(`${name} cannot be told: ${redact(reasonOf(error))}`);
        },
      );
      if (status < 200 || status > 299) throw new Error(`${name} did not take the notice: it answered ${status}`);
    },
  };
}
