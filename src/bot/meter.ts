import { WebAPIPlatformError, WebClient, type WebClientOptions } from '@slack/web-api';
import { refusals } from './trouble.ts';

/** What the chat side tells to whoever counts. None of it may throw: what is counted changes nothing. */
export interface ChatMeter {
  /** Whether Slack is heard. */
  connected(is: boolean): void;
  /** Slack takes the bot's token. */
  accepted(): void;
  /** A call of Slack, or the connection, failed. */
  failed(trouble: SlackTrouble): void;
  /** A message of a rollout was posted for the first time, by the key that the view gave it. */
  posted(key: string): void;
}

export type SlackTrouble = 'away' | 'slow-down' | 'denied' | 'refused';

/** Which kind of trouble it is, in one of few words: what Slack says itself may be anything. */
export function slackTroubleIn(error: unknown): SlackTrouble {
  if (error instanceof WebAPIPlatformError) return refusals.includes(error.data.error) ? 'denied' : 'refused';
  return error instanceof Error && 'retryAfter' in error ? 'slow-down' : 'away';
}

/** A client that tells of each call that failed; whoever made it is told as before. */
export class TellingClient extends WebClient {
  readonly #failed: (error: unknown) => void;

  constructor(token: string, options: WebClientOptions, failed: (error: unknown) => void) {
    super(token, options);
    this.#failed = failed;
  }

  override async apiCall(...call: Parameters<WebClient['apiCall']>): ReturnType<WebClient['apiCall']> {
    try {
      return await super.apiCall(...call);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }
}
