/** What can be made to go wrong on the way to Slack. */
export class Faults {
  /** So many more times every envelope comes, each with an id of its own, as from real Slack now and then. */
  duplicates = 0;
  isDown = false;
  /** Neither token is taken any more. */
  areTokensRevoked = false;
  readonly refusedBlocks = new Set<string>();
  readonly #limits = new Map<string, { retryAfterS: number; times: number }>();
  readonly #failing = new Map<string, { status: number; times: number }>();
  readonly #dropped = new Map<string, number>();
  readonly #held = new Map<string, Promise<void>>();

  /** Answers 429 with `Retry-After` (s) to the next calls of a method (`*` for any). */
  rateLimitNext(method: string, retryAfterS: number, times = 1): void {
    this.#limits.set(method, { retryAfterS, times });
  }

  /** Answers the next calls of a method with that HTTP status, and carries out none of them. */
  failNext(method: string, status: number, times = 1): void {
    this.#failing.set(method, { status, times });
  }

  /** Carries out the next call of a method, but cuts the connection instead of answering. */
  dropReplyOf(method: string, times = 1): void {
    this.#dropped.set(method, times);
  }

  /** The next call of a method lies on its way, not carried out, until what is returned is called. */
  holdNext(method: string): () => void {
    let release = (): void => undefined;
    this.#held.set(
      method,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    return () => release();
  }

  async arrival(method: string): Promise<void> {
    const held = this.#held.get(method);
    this.#held.delete(method);
    await held;
  }

  /** Answers `invalid_blocks` to these block types, as a workspace without them would. */
  refuseBlocks(...types: string[]): void {
    this.refusedBlocks.clear();
    for (const type of types) this.refusedBlocks.add(type);
  }

  /** The `Retry-After` of this call in seconds, or null when it may pass. */
  takeLimit(method: string): number | null {
    const limit = this.#limits.get(method) ?? this.#limits.get('*');
    if (!limit || limit.times <= 0) return null;
    limit.times -= 1;
    return limit.retryAfterS;
  }

  /** The HTTP status with which this call fails, or null when it may pass. */
  takeFailure(method: string): number | null {
    const failing = this.#failing.get(method);
    if (failing === undefined || failing.times <= 0) return null;
    failing.times -= 1;
    return failing.status;
  }

  takeDrop(method: string): boolean {
    const left = this.#dropped.get(method) ?? 0;
    this.#dropped.set(method, Math.max(0, left - 1));
    return left > 0;
  }
}
