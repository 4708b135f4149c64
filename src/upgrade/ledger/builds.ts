import type { Build, Ledger, LedgerEvent } from './types.ts';

type BuildEvent = Extract<LedgerEvent, { type: `build-${string}` }>;

/** One build at a time, and one commit for a version: whatever says otherwise changes nothing. */
export function changedBuild(ledger: Ledger, event: BuildEvent): Ledger {
  const before = Object.hasOwn(ledger.builds, event.version) ? ledger.builds[event.version] : undefined;
  const after = event.type === 'build-asked' ? asked(ledger, before, event) : went(before, event);
  return after === null ? ledger : { ...ledger, builds: { ...ledger.builds, [event.version]: after } };
}

export const isUnderWay = ({ state }: Build): boolean => state.is === 'asked' || state.is === 'building';

/** The one that is under way; null when none is. */
export const buildUnderWay = ({ builds }: Ledger): Build | null => Object.values(builds).find(isUnderWay) ?? null;

export const lastBuildNumber = ({ builds }: Ledger): number =>
  Math.max(0, ...Object.values(builds).map(({ number }) => number));

/** The one that was asked for last; null when none ever was. */
export const newestBuild = (ledger: Ledger): Build | null =>
  Object.values(ledger.builds).find(({ number }) => number === lastBuildNumber(ledger)) ?? null;

function asked(
  ledger: Ledger,
  before: Build | undefined,
  { at, by, version, number }: Extract<BuildEvent, { type: 'build-asked' }>,
): Build | null {
  if (buildUnderWay(ledger) !== null || number <= lastBuildNumber(ledger)) return null;
  const source = before?.source === undefined ? {} : { source: before.source };
  return { version, number, by, at, ...source, state: { is: 'asked' } };
}

function went(build: Build | undefined, event: Exclude<BuildEvent, { type: 'build-asked' }>): Build | null {
  if (build === undefined || build.number !== event.number || !isUnderWay(build)) return null;
  const { at } = event;
  switch (event.type) {
    case 'build-stopped':
      return build.stopping === undefined ? { ...build, stopping: { by: event.by, at } } : null;
    case 'build-begun':
      return begun(build, event);
    case 'build-reported':
      return reported(build, event);
  }
}

function begun(build: Build, { at, source, worker }: Extract<BuildEvent, { type: 'build-begun' }>): Build | null {
  if (build.state.is !== 'asked' || build.stopping !== undefined) return null;
  if (build.source !== undefined && build.source.commit !== source.commit) return null;
  return { ...build, source, state: { is: 'building', since: at, worker } };
}

/** What was never begun can only fail. */
function reported(build: Build, { at, report }: Extract<BuildEvent, { type: 'build-reported' }>): Build | null {
  if (report.is === 'failed') return { ...build, state: { ...report, at } };
  if (build.state.is !== 'building') return null;
  return { ...build, state: { ...report, at, took: at - build.state.since } };
}
