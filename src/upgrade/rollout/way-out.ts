import type { Status } from './types.ts';

/** What somebody can do who wants the fleet for another rollout. Whoever stops a rollback leaves what it has still to bring back. */
export function wayOut(status: Status | undefined): string {
  switch (status?.is) {
    case 'rolling-back':
      return 'It is being rolled back: wait for the end of that.';
    case 'stopping':
      return 'It is being stopped: wait for the end of that.';
    case 'held':
      return 'It needs a decision first: retry, roll back, or stop.';
    default:
      return 'Wait until it is over, or stop it first.';
  }
}
