import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Whether the request means this machine by name. A foreign name that was made to point here (DNS rebinding) would
 * make another site's page count as ours.
 */
const isForUs = ({ headers: { host = '' } }: IncomingMessage): boolean =>
  /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host);

/** Whether the browser says that a page of ours sent it; programs say nothing. */
export const isFromOurPage = ({ headers: { origin, host } }: IncomingMessage): boolean =>
  host !== undefined && origin === `http://${host}`;

/** Why the request is refused whatever it asks for; null when it may go on. */
export function refusalOf(request: IncomingMessage): string | null {
  if (!isForUs(request)) return 'The sandbox is for this machine alone: open it as 127.0.0.1 or localhost.';
  if (request.headers.origin !== undefined && !isFromOurPage(request)) return 'Only the page itself may do this.';
  return null;
}

/** What every answer carries: it is shown in no frame, guessed to be nothing else, and loads what is ours alone. */
export function protect(request: IncomingMessage, response: ServerResponse): void {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    // The blocks of messages bring styles of their own, and images from anywhere.
    "style-src 'self' 'unsafe-inline'",
    'img-src * data:',
    "font-src 'self'",
    `connect-src 'self' ws://${request.headers.host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  response.setHeader('content-security-policy', policy.join('; '));
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
}
