import type { Clock } from '../base/clock.ts';
import { minute, second } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { short } from '../base/hash.ts';
import type { BuildPlace, BuildShelf } from '../building/index.ts';
import { isUnderWay } from '../upgrade/ledger/index.ts';
import type { Build, BuildReport, Source } from '../upgrade/ledger/types.ts';
import { type BuildTelling, type BuildTold, heard, nothingTold, readsFrom } from './build-told.ts';
import { orAborted } from './lease.ts';
import { type Log, reasonOf } from './log.ts';
import type { LedgerStore } from './types.ts';

export interface BuilderParts {
  place: BuildPlace;
  shelf: BuildShelf;
  ledger: Pick<LedgerStore, 'load' | 'record'>;
  telling: BuildTelling;
  /** Has it shown what is told; must not throw. */
  show: () => Promise<void>;
  /** Why nothing may be begun on this machine; null: nobody stopped everything. */
  halted: () => Promise<string | null>;
  /** Name of this machine. */
  worker: string;
  clock: Clock;
  log: Log;
  /** ms between two looks; two seconds when absent. */
  every?: number;
}

/** Between two looks, ms. */
const lookEvery = 2 * second;
/** How long a machine that does not answer keeps a build from ending that somebody stopped, ms. */
const patience = minute;
/** Shown anew after so long, ms, although nothing came: people see that time goes by. */
const showEvery = 10 * second;

/**
 * Goes on with the build of a version to its end, wherever it was. Many short looks: whoever takes it over finds out by the ledger and by the machine
 * how far it is. `signal` aborts when somebody else may have.
 */
export function createBuilder(parts: BuilderParts): (version: string, signal: AbortSignal) => Promise<void> {
  const { place, ledger, clock } = parts;

  return async (version, signal) => {
    const turn = new Turn(parts, signal);
    for (;;) {
      signal.throwIfAborted();
      const { builds } = await ledger.load();
      const build = Object.hasOwn(builds, version) ? builds[version] : undefined;
      if (build === undefined || !isUnderWay(build)) return;
      // What runs on another machine as a child of nobody is out of reach here.
      if (place.isHere && build.state.is === 'building' && build.state.worker !== parts.worker) return;
      try {
        if (await turn.pass(build)) continue;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Refused)
          await turn.fail(build, error.message).catch((again) => turn.trouble(build, again));
        else await turn.trouble(build, error);
      }
      await clock.sleep(parts.every ?? lookEvery, signal);
    }
  };
}

class Turn {
  readonly #parts: BuilderParts;
  readonly #signal: AbortSignal;
  #told: BuildTold | null = null;
  #shownAt = Number.NEGATIVE_INFINITY;
  #shown = '';
  /** Since when the machine should have ended it. */
  #ending: number | null = null;

  constructor(parts: BuilderParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** True: something happened, and more can be done at once. */
  async pass(build: Build): Promise<boolean> {
    if (build.stopping !== undefined) {
      await this.fail(build, `stopped by ${build.stopping.by}`);
      return true;
    }
    return build.state.is === 'asked' ? this.#begin(build) : this.#goOn(build);
  }

  async #begin(build: Build): Promise<boolean> {
    const { ledger, shelf, worker, clock } = this.#parts;
    await this.#refuseHalted();
    const { version, number } = build;
    await shelf.refuse(version);
    const source = await this.#resolved(build);
    // The intent, before anything of it runs.
    await ledger.record({ type: 'build-begun', at: clock.now(), version, number, source, worker });
    await this.#tell(build, {});
    return true;
  }

  async #goOn(build: Build): Promise<boolean> {
    const { place, clock } = this.#parts;
    const told = await this.#known(build);
    let from = told.read;
    let sight = await place.look(build, from, this.#signal);
    // One that grows faster than it is read is read on at its end.
    if (readsFrom(told, sight.size) !== from) {
      from = readsFrom(told, sight.size);
      sight = await place.look(build, from, this.#signal);
    }
    if (sight.is === 'none') {
      await this.#refuseHalted();
      await place.start(build, await this.#resolved(build), this.#signal);
      return true;
    }
    const isWhole = from + sight.text.length >= sight.size;
    const over = sight.is === 'ended' && isWhole;
    await this.#tell(build, heard(told, from, sight.text, clock.now(), over));
    if (sight.is !== 'ended' || !isWhole) return !isWhole;
    if (sight.left > 0) await this.#note(build, `${sight.left} processes that it left behind were ended.`);
    if (sight.wrong !== null) await this.fail(build, sight.wrong);
    else await this.#finish(build);
    return true;
  }

  /** Fetched each time: what moved since is not built. */
  async #resolved(build: Build): Promise<Source> {
    const source = await this.#unlessStopped(build, (signal) => this.#parts.place.resolve(build.version, signal));
    const { source: before } = build;
    if (before === undefined || before.commit === source.commit) return source;
    throw new Refused(
      `The tag ${build.version} was moved: it was commit ${short(before.commit)} when it was built first, and is ${short(source.commit)} now. A version is one commit: give what is new a new version.`,
    );
  }

  /** What may take minutes is let go of when somebody stops the build meanwhile. */
  async #unlessStopped<T>(build: Build, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { ledger, clock, every = lookEvery } = this.#parts;
    const over = new AbortController();
    const stop = new AbortController();
    const watch = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await clock.sleep(every, over.signal);
        const now = (await ledger.load()).builds[build.version];
        if (now?.number !== build.number || now.stopping !== undefined) stop.abort(new Overtaken());
      }
    };
    watch().catch(() => undefined);
    try {
      return await orAborted(work(AbortSignal.any([this.#signal, stop.signal])), stop.signal);
    } finally {
      over.abort();
    }
  }

  async #finish(build: Build): Promise<void> {
    const { place, shelf, ledger, clock, log } = this.#parts;
    const { version, number, source, state } = build;
    if (source === undefined || state.is !== 'building') return;
    const may = async () => {
      this.#signal.throwIfAborted();
      await this.#refuseHalted();
      const now = (await ledger.load()).builds[version];
      if (now?.number !== number || now.state.is !== 'building' || now.stopping !== undefined) throw new Overtaken();
    };
    const ready = { version, number, source, began: state.since, on: place.called };
    const made = await shelf.put(ready, (to) => place.take(build, to, this.#signal), may);
    await this.#report(build, { is: 'built', ...made });
    await place
      .end(build, this.#signal)
      .catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'not cleaned up'));
    log.info({ version, number, archive: made.archiveSha256, at: clock.now() }, 'built');
  }

  /** Nothing of it runs any more, as far as that can be known. */
  async fail(build: Build, reason: string): Promise<void> {
    const { place, clock } = this.#parts;
    const told = await this.#known(build);
    this.#ending ??= clock.now();
    let silent = '';
    try {
      await place.end(build, this.#signal);
    } catch (error) {
      if (clock.now() - this.#ending < patience) throw new Error(reasonOf(error));
      silent =
        '; the machine that builds does not answer, and what may still run there is ended by its limit or by the next build';
    }
    this.#ending = null;
    await this.#report(build, { is: 'failed', reason: `${reason}${silent}`.slice(0, 1_500), last: told.last });
  }

  async #report({ version, number }: Build, report: BuildReport): Promise<void> {
    const { ledger, clock, show } = this.#parts;
    await ledger.record({ type: 'build-reported', at: clock.now(), version, number, report });
    await show();
  }

  async trouble(build: Build, error: unknown): Promise<void> {
    if (error instanceof Overtaken) return;
    const reason = reasonOf(error);
    this.#parts.log.warn({ version: build.version, reason }, 'nobody knows how the build goes');
    await this.#tell(build, { trouble: reason.slice(0, 300) }).catch(() => undefined);
  }

  async #refuseHalted(): Promise<void> {
    const reason = await this.#parts.halted();
    if (reason !== null) throw new Error(reason);
  }

  async #known({ version, number }: Build): Promise<BuildTold> {
    if (this.#told?.number === number) return this.#told;
    this.#told = (await this.#parts.telling.of(version, number)) ?? nothingTold(version, number);
    return this.#told;
  }

  async #note(build: Build, line: string): Promise<void> {
    const told = await this.#known(build);
    await this.#tell(build, { pieces: [...told.pieces, line] });
  }

  async #tell(build: Build, news: Partial<BuildTold>): Promise<void> {
    const { telling, show, clock } = this.#parts;
    const before = await this.#known(build);
    const told = { ...before, trouble: null, ...news };
    const seen = JSON.stringify([told.pieces.length, told.trouble, build.state.is]);
    const isDue = seen !== this.#shown || clock.now() - this.#shownAt >= showEvery;
    const isNew = JSON.stringify(told) !== JSON.stringify(before);
    this.#told = isNew || isDue ? { ...told, at: clock.now() } : told;
    if (isNew || isDue) await telling.keep(this.#told);
    if (!isDue) return;
    this.#shown = seen;
    this.#shownAt = clock.now();
    await show();
  }
}

/** Somebody decided otherwise meanwhile: the next look at the ledger says what. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}
