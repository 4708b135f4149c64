import type { Suggestion } from '../slack/types.ts';

/** What the composer completes when the caller brings no list of its own. */
export const commands: Suggestion[] = [
  { text: '/zeitwork help', about: 'what can be typed' },
  { text: '/zeitwork upgrade ', about: 'plan an upgrade to a version' },
  { text: '/zeitwork status', about: 'what is going on' },
  { text: '/zeitwork why', about: 'why it waits' },
  { text: '/zeitwork approve ', about: 'let a region go ahead' },
  { text: '/zeitwork pause', about: 'finish the node, then wait' },
  { text: '/zeitwork resume', about: 'go on after a pause' },
  { text: '/zeitwork stop', about: 'stop as soon as it is safe' },
  { text: '/zeitwork rollback', about: 'back to the version before' },
  { text: '/zeitwork windows', about: 'when each region may be touched' },
  { text: '/zeitwork freeze', about: 'no upgrades for a while' },
  { text: '/zeitwork history', about: 'the last upgrades' },
  { text: '/zeitwork diagnose ', about: 'look closely at one node' },
  { text: '/zeitwork whoami', about: 'what you may do' },
];
