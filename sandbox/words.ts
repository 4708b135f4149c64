import { dirname, join } from 'node:path';
import type { SimulatedFleet } from './fleet/fleet.ts';
import { unbuilt } from './source.ts';

/** What the page offers to type. */
export function tries(fleet: SimulatedFleet, builds = false) {
  const offered = (version: string, about: string) =>
    fleet.versions.includes(version) ? [{ text: `/zeitwork upgrade ${version}`, about }] : [];
  return [
    { text: '/zeitwork upgrade v2.0.0', about: 'a good build, approved region by region' },
    {
      text: '/zeitwork upgrade v2.0.0 --strategy rolling',
      about: 'a good build, node by node, approved once before the first',
    },
    ...offered('v2.1.0-never-healthy', 'a build that never gets healthy'),
    ...offered('v2.1.0-dies-after-20s', 'a build that dies after a while'),
    ...offered('v2.1.0-slower', 'a build that is slower, healthy all the same: held in its first region'),
    ...offered('v2.1.0-exit-at-start', 'a build that ends at once'),
    ...offered('v2.2.0-bad-checksum', 'an archive that is not what its checksum says'),
    {
      text: '/zeitwork upgrade v2.0.0 --dry-run',
      about: 'once a node runs an old agent (its menu): refused, with the way out',
    },
    ...(builds
      ? [
          {
            text: `/zeitwork upgrade ${unbuilt.good}`,
            about: 'a tag that nobody has built yet: built first, then planned with the button',
          },
          { text: `/zeitwork build ${unbuilt.bad}`, about: 'a tag whose build fails, with its last lines' },
        ]
      : []),
    { text: '/zeitwork rollback all', about: 'bring back what the last upgrade changed' },
    {
      text: '/zeitwork verify',
      about: 'what each node is asked besides its health; once one counts errors (its menu): which, and how many',
    },
    {
      text: '/zeitwork drift',
      about: 'once a node was changed by hand (its menu, after an upgrade): what, and what to do',
    },
    {
      text: '/zeitwork report',
      about: 'who decided, hashes, durations, verdicts; the tab Night draws it while it happens',
    },
    {
      text: '/zeitwork status',
      about: 'after an upgrade, how it was watched since; stop a service meanwhile (its menu), and look at the channel',
    },
    { text: '/zeitwork checklist', about: 'at the end: what a person and what a machine ticked' },
    {
      text: '/zeitwork restart --regions us-east',
      about: 'each node of a region anew on what it runs, nothing changed',
    },
    {
      text: '/zeitwork config ensure NEW_FLAG=enabled --regions us-east',
      about:
        'a key for the environment file of each node of a region, with one restart each; `rollback all` brings the old file back',
    },
    { text: '/zeitwork why', about: 'what holds it, who can open it, and when' },
  ];
}

/** Where to look, once all of it runs. */
export const welcome = (pageUrl: string, windows: 'guide' | 'always', settings: string, numbers: string | null) => [
  '',
  `  Open ${pageUrl}`,
  '  and type there   /zeitwork upgrade v2.0.0',
  '',
  '  Nine simulated nodes take real SSH, SFTP and HTTP on this machine; the chat is a stand-in for Slack.',
  windows === 'guide'
    ? '  Windows are Tue-Thu 02:00-06:00 in each region: the clock on the page jumps to the next one.'
    : '  Windows are open all day here; `npm run sandbox -- --windows guide` keeps Tue-Thu 02:00-06:00.',
  '  One person may begin a release in us-east, once; all else is approved by another (act as Ines). A major wants two approvers,',
  '  and is asked for in us-east too: the settings here say one, since v2.0.0 is one.',
  '  On another shell, as Inês:',
  `    ZEITWORK_CONFIG=${settings} ZEITWORK_KEY=${join(dirname(settings), 'people', 'ines')} npm run -s zeitwork -- approve eu-west`,
  ...(numbers === null ? [] : [`  Its numbers, as Prometheus reads them: ${numbers}/metrics`]),
  '  Ctrl-C ends it and leaves nothing behind.',
  '',
];
