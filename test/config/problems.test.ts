import { describe, expect, it } from 'vitest';
import { complaints, edited, shortest } from './settings.ts';

const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1hSOmz+GgBX5hF1oBxjzB4OsJFMkBLvtw9dJpXuYUw';

/** What is wrong -> the one line that says so. */
const wrong: [string, string, string][] = [
  [
    'fleet: zeitwork',
    'fleet: Zeit Work',
    '1: fleet: "Zeit Work" is not a name; write lower-case letters, digits, dots and dashes, at most 63, like eu-west-op-1',
  ],
  [
    'channel: C1',
    'channel: "#ops"',
    '2: channel: "#ops" is not a Slack channel id; write one like C012AB3CD (channel details > channel ID)',
  ],
  ['channel: C1', 'chanel: C1\nchannel: C1', '2: chanel: unknown key; did you mean channel?'],
  ['channel: C1', 'channel:', '2: channel: is missing; write one like C012AB3CD (channel details > channel ID)'],
  ['channel: C1', 'channel: C1\nteam: acme', '3: team: "acme" is not a Slack workspace id; write one like T012AB3CD'],
  ['{ directory: releases }', '{}', '3: releases: write one of directory and url, not both and not none'],
  [
    '{ directory: releases }',
    '{ directory: a, url: "http://x/{version}" }',
    '3: releases: write one of directory and url, not both and not none',
  ],
  [
    'channel: C1',
    'channel: C1\nchecklists: { before: [{ text: Notes read }] }',
    '3: checklists.before[0]: is ticked by nobody, or by two; write either by: person, or check: with the name of a check',
  ],
  [
    'channel: C1',
    'channel: C1\nchecklists: { after: [{ text: Notes read, by: person, check: healthy }] }',
    '3: checklists.after[0]: is ticked by nobody, or by two; write either by: person, or check: with the name of a check',
  ],
  [
    'channel: C1',
    'channel: C1\nchecklists: { during: [{ text: Ready, check: helthy }] }',
    '3: checklists.during[0].check: "helthy" is no check of these settings; write healthy, or by: person',
  ],
  ['channel: C1', 'channel: C1\nalerts: {}', '3: alerts: write one of alertmanager and url, not both and not none'],
  [
    'channel: C1',
    'channel: C1\nalerts: { alertmanager: "http://bob@a" }',
    '3: alerts.alertmanager: "http://***@a" is not the address of an Alertmanager; write one like http://alertmanager.example.com:9093, without user, query and #',
  ],
  [
    'channel: C1',
    'channel: C1\nalerts: { alertmanager: "http://a/#/alerts" }',
    '3: alerts.alertmanager: "http://a/#/alerts" is not the address of an Alertmanager; write one like http://alertmanager.example.com:9093, without user, query and #',
  ],
  [
    'channel: C1',
    'channel: C1\nalerts: { alertmanager: http://a, url: http://b }',
    '3: alerts: write one of alertmanager and url, not both and not none',
  ],
  [
    'channel: C1',
    'channel: C1\nalerts: { url: http://b, matchers: [a="b"] }',
    '3: alerts.matchers: are for an alertmanager; leave them out, or name it',
  ],
  [
    'channel: C1',
    'channel: C1\nalerts: { alertmanager: http://a, matchers: [critical] }',
    '3: alerts.matchers[0]: "critical" is not a matcher of Alertmanager; write one like severity="critical" or region="{region}"',
  ],
  [
    'channel: C1',
    'channel: C1\nproven: { fleet: zeitwork, journal: j, keys: { bot: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1hSOmz+GgBX5hF1oBxjzB4OsJFMkBLvtw9dJpXuYUw], worker: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1hSOmz+GgBX5hF1oBxjzB4OsJFMkBLvtw9dJpXuYUw] } }',
    '3: proven.fleet: is this fleet itself; name the one on which a release is tried first',
  ],
  [
    '{ directory: releases }',
    '{ url: http://x/latest }',
    '3: releases.url: "http://x/latest" is not an archive address; write a URL with {version}, like https://files.example.com/{version}/app-{version}.tar.gz',
  ],
  [
    '{ directory: releases }',
    '{ directory: ~bo/x }',
    '3: releases.directory: "~bo/x" is not a path; write one, absolute, starting with ~/ or relative to this file',
  ],
  [
    '{ directory: releases }',
    '{ directory: releases, signers: [{ name: ana, key: ssh-ed25519 AAAA }] }',
    '3: releases.signers[0].key: *** is not a public key of OpenSSH; write the line of its .pub file, like ssh-ed25519 AAAA... ana',
  ],
  [
    '{ directory: releases }',
    '{ directory: releases, unsigned: maybe }',
    '3: releases.unsigned: "maybe" is not accepted here; write refused or allowed',
  ],
  ['{ user: ops }', '{ user: ops, port: "22" }', '4: ssh.port: "22" is not a port; write a number from 1 to 65535'],
  ['{ user: ops }', '{ user: ops, prot: 22 }', '4: ssh.prot: unknown key; did you mean port?'],
  [
    '{ user: ops }',
    '{ user: ops, jump: bastion }',
    '4: ssh.jump: "bastion" is not a jump host; describe it under ssh.jumpHosts',
  ],
  ['{ user: ops }', '{}', '4: ssh.user: is missing; write the login of all nodes here, or user at each'],
  [
    '{ user: ops }',
    '{ user: ops, config: /nowhere }',
    "4: ssh.config: ENOENT: no such file or directory, open '/nowhere'",
  ],
  [
    'Europe/Dublin',
    'Europe/Dubln',
    '7: regions[0].zone: "Europe/Dubln" is not an IANA time zone; write one like Europe/Dublin',
  ],
  ['Europe/Dublin', '+05:30', '7: regions[0].zone: "+05:30" is not an IANA time zone; write one like Europe/Dublin'],
  ['    zone: Europe/Dublin\n', '', '6: regions[0].zone: is missing; write an IANA time zone like Europe/Dublin'],
  [
    'users: [U1] }\n    nodes',
    'users: [ana] }\n    nodes',
    '8: regions[0].approvers.users[0]: "ana" is not a Slack user id; write one like U012AB3CD (profile > copy member ID)',
  ],
  [
    'users: [U1] }\n    nodes',
    '}\n    nodes',
    '8: regions[0].approvers: nobody could approve this region; write at least one user or group',
  ],
  [
    'requesters: { users: [U1] }',
    'requesters: { users: [] }',
    '14: roles.requesters: nobody could start an upgrade; write at least one user or group',
  ],
  ['name: op-2', 'name: op-1', '11: regions[0].nodes[1].name: "op-1" is used twice; names are unique'],
  [
    'name: op-2, ',
    '',
    '11: regions[0].nodes[1].name: is missing; write lower-case letters, digits, dots and dashes, at most 63, like eu-west-op-1',
  ],
  [
    '10.0.0.2',
    'ops@10.0.0.2',
    '11: regions[0].nodes[1].address: "ops@10.0.0.2" is not a host name or IP address; write one like 10.0.1.11, without user and port',
  ],
  [
    '10.0.0.2',
    '-oProxyCommand=x',
    '11: regions[0].nodes[1].address: "-oProxyCommand=x" is not a host name or IP address; write one like 10.0.1.11, without user and port',
  ],
  [
    '10.0.0.2',
    '10.0.0.2:22',
    '11: regions[0].nodes[1].address: "10.0.0.2:22" is not a host name or IP address; write one like 10.0.1.11, without user and port',
  ],
  [', address: 10.0.0.2', '', '11: regions[0].nodes[1].address: is missing; write a host name or IP address'],
  [
    '      - { name: op-3, address: 10.0.0.3 }\n',
    '',
    '9: regions[0].nodes: has 2 of them, and policy.minimumHealthy is 2: none could ever be stopped; add nodes or lower it',
  ],
];

/** What a window says after `weeks`, in line 12 -> what is wrong with it; empty: nothing. */
const weeks: [string, string][] = [
  ['[1, 3]', ''],
  ['[last]', ''],
  ['[1, 2, 3, 4, 5, last]', ''],
  ['[0]', '.weeks[0]: 0 is not a week of the month; write 1, 2, 3, 4, 5 or last'],
  ['[1, 6]', '.weeks[1]: 6 is not a week of the month; write 1, 2, 3, 4, 5 or last'],
  ['["1"]', '.weeks[0]: "1" is not a week of the month; write 1, 2, 3, 4, 5 or last'],
  ['[1.5]', '.weeks[0]: 1.5 is not a week of the month; write 1, 2, 3, 4, 5 or last'],
  ['[Last]', '.weeks[0]: "Last" is not a week of the month; write 1, 2, 3, 4, 5 or last'],
  ['[~]', '.weeks[0]: is missing; write 1, 2, 3, 4, 5 or last'],
  ['[]', '.weeks: is empty; write at least 1 of weeks of the month: 1, 2, 3, 4, 5 or last'],
  ['', '.weeks: is missing; write a list of weeks of the month: 1, 2, 3, 4, 5 or last'],
  ['last', '.weeks: "last" is not a list of weeks of the month: 1, 2, 3, 4, 5 or last'],
  ['[1, 3, 1]', '.weeks[2]: 1 is written twice; write each of 1, 2, 3, 4, 5 or last at most once'],
  ['[last, last]', '.weeks[1]: last is written twice; write each of 1, 2, 3, 4, 5 or last at most once'],
];

/** Added at the end, after line 14. */
const added: [string, string][] = [
  [
    'policy: { soak: 30 }',
    '15: policy.soak: 30 is not a duration; write one like 250ms, 30s, 5m or 1h, or 0s for none',
  ],
  ['policy: { soak: 0s }', ''],
  ['policy: { poll: 0s }', '15: policy.poll: "0s" is not a duration; write one above zero like 250ms, 30s, 5m or 1h'],
  ['policy: { poll: 5s }', '15: policy.poll: 5s is longer than policy.pollMax (2s); make it shorter'],
  ['aftercare: { watch: 24h }', ''],
  ['aftercare: { watch: 1m }', '15: aftercare.watch: "1m" is not a duration; write one from 10m to 7d'],
  ['aftercare: { every: 2h }', '15: aftercare.every: "2h" is not a duration; write one from 10s to 1h'],
  [
    'aftercare: { watch: 10m }',
    '15: aftercare.every: 5m is more than a quarter of aftercare.watch (10m); make it shorter',
  ],
  ['policy: { bakke: 1h }', '15: policy.bakke: unknown key; did you mean bake?'],
  ['policy: { attempts: 0 }', '15: policy.attempts: 0 is not a whole number from 1 to 100; write one, like 3'],
  ['policy: { order: random }', '15: policy.order: "random" is not accepted here; write next-opening or declared'],
  ['policy: { selfApproval: yes }', '15: policy.selfApproval: "yes" is not accepted here; write true or false'],
  [
    'policy: { minimumHealthy: 3 }',
    '9: regions[0].nodes: has 3 of them, and policy.minimumHealthy is 3: none could ever be stopped; add nodes or lower it',
  ],
  [
    'policy: { expectedNode: 4h }',
    '6: regions[0].windows: Tue-Thu 02:00–06:00 is too short: a node takes policy.expectedNode + policy.rollbackReserve = 243m',
  ],
  [
    'policy: 5',
    '15: policy: 5 is not accepted here; write its keys: order, minimumHealthy, atOnce, healthDeadline, poll, pollMax, healthyAnswers, soak, canarySoak, pause, bake, watch, approvalExpires, reminders, attempts, unknownAttempts, retryDelay, autoRollback, rehearse, expectedNode, rollbackReserve, commandTimeout, transferTimeout, selfApproval, oneMayBegin, breakers, canary, majors, announce, waking',
  ],
  [
    'service: { unit: op.service }',
    '15: service.unit: "op.service" is not a systemd unit; write its name without .service',
  ],
  [
    'service: { binary: op }',
    '15: service.binary: "op" is not an absolute path; write one like /usr/local/bin/zeitwork-operator',
  ],
  [
    'service: { binary: /usr/../etc/passwd }',
    '15: service.binary: "/usr/../etc/passwd" is not an absolute path; write one like /usr/local/bin/zeitwork-operator',
  ],
  ['service: { mode: "0o755" }', '15: service.mode: "0o755" is not a file mode; write one like "0755"'],
  ['service: { owner: root }', '15: service.owner: "root" is not an owner; write user:group, like root:root'],
  ['service: { traffic: { drain: [/b, out] } }', '15: service.traffic.undrain: is missing; write a list of words'],
  ['service: { versionArgs: [] }', '15: service.versionArgs: is empty; write at least 1 of arguments'],
  [
    'service: { archiveMember: ../x }',
    '15: service.archiveMember: "../x" is not a path inside the archive; write one like build/zeitwork-operator',
  ],
  [
    'health: http://10.0.0.1/health',
    '15: health: "http://10.0.0.1/health" is not a health address; write a URL with {address} or {name}, like http://{address}:8080/health',
  ],
  [
    'freezes: [{ from: 2026-12-20, to: 2026-12-10, reason: x, author: y }]',
    '15: freezes[0].to: "2026-12-10" is not after from (2026-12-20)',
  ],
  [
    'freezes: [{ from: 2026-02-30, to: 2026-12-10, reason: x, author: y }]',
    '15: freezes[0].from: "2026-02-30" is not a date or time; write a date like 2026-12-20, or a date and time like 2026-12-20 18:00 or 2026-12-20T18:00:00Z',
  ],
  [
    'freezes: [{ from: 02:00, to: 2026-12-10, reason: x, author: y }]',
    '15: freezes[0].from: "02:00" is not a date or time; write a date like 2026-12-20, or a date and time like 2026-12-20 18:00 or 2026-12-20T18:00:00Z',
  ],
  ['freezes: [{ from: 2026-12-01, to: 2026-12-10, author: y }]', '15: freezes[0].reason: is missing; write some words'],
  [
    'freezes: [{ from: 2026-12-01, to: 2026-12-10, reason: x, author: y, region: us }]',
    '15: freezes[0].region: "us" is not a region; write eu-west',
  ],
];

describe('a setting that cannot be used', () => {
  it.each(wrong)('%j -> %j', (from, to, line) => {
    expect(complaints(edited(from, to))).toEqual([`zeitwork.yaml:${line}`]);
  });

  it.each(weeks)('weeks: %s', (written, problem) => {
    const window = `      - days: [tue]\n        from: "02:00"\n        to: "06:00"\n        weeks: ${written}\n`;
    const yaml = edited('    zone: Europe/Dublin\n', `    zone: Europe/Dublin\n    windows:\n${window}`);
    expect(complaints(yaml)).toEqual(problem === '' ? [] : [`zeitwork.yaml:12: regions[0].windows[0]${problem}`]);
  });

  it.each(added)('%s', (addition, line) => {
    expect(complaints(`${shortest}${addition}\n`)).toEqual(line === '' ? [] : [`zeitwork.yaml:${line}`]);
  });

  it('is named together with all others, in the order of the file', () => {
    const yaml = edited('channel: C1', 'channel: ops')
      .replace('Europe/Dublin', 'Dublin')
      .replace('name: op-2', 'name: op-1');
    const lines = complaints(`${yaml}policy: { soak: 30, pol: 1s, minimumHealthy: 3 }\nfreezes: 7\n`);
    expect(lines.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'zeitwork.yaml:2 channel',
      'zeitwork.yaml:7 regions[0].zone',
      'zeitwork.yaml:9 regions[0].nodes',
      'zeitwork.yaml:11 regions[0].nodes[1].name',
      'zeitwork.yaml:15 policy.soak',
      'zeitwork.yaml:15 policy.pol',
      'zeitwork.yaml:16 freezes',
    ]);
  });

  it.each<[string, string, string, string]>([
    ['a key', 'bob', 'U2', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7zk0FYq2g0n3cR1h0B1b2c3d4e5f6g7h8i9j0k1l2m bob@home'],
    [
      'a key, spelled otherwise',
      'bob',
      'U2',
      'ssh-ed25519   AAAAC3NzaC1lZDI1NTE5AAAAIA7zk0FYq2g0n3cR1h0B1b2c3d4e5f6g7h8i9j0k1l2m=',
    ],
    ['a Slack id', 'bob', 'U1', other],
    ['a name', 'ana', 'U2', other],
  ])('is that two people have the same: %s', (_, name, slack, key) => {
    const ana =
      '  - { name: ana, slack: U1, keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7zk0FYq2g0n3cR1h0B1b2c3d4e5f6g7h8i9j0k1l2m ana] }';
    const lines = complaints(`${shortest}people:\n${ana}\n  - { name: ${name}, slack: ${slack}, keys: [${key}] }\n`);
    expect(lines).toEqual([expect.stringMatching(/people\[1\].*is used twice/)]);
  });

  it.each<[string, string, number | null]>([
    ['by a group alone', '{ groups: [S1] }', 0],
    ['by somebody without a key', '{ users: [U2] }', 0],
    ['by two, of whom one has a key', '{ users: [U1, U2], needed: 2 }', 1],
    ['by one who has', '{ users: [U1, U2] }', null],
  ])('is that a region is approved %s, where people sign', (_, approvers, able) => {
    const region = (name: string, who: string): string =>
      `  - name: ${name}\n    zone: Europe/Dublin\n    approvers: ${who}\n    nodes: [${[1, 2, 3]
        .map((at) => `{ name: ${name}-${at}, address: 10.1.0.${at} }`)
        .join(', ')}]\n`;
    const more = shortest.replace('[U1]', '[U2]').replace('roles:\n', `${region('ap', approvers)}roles:\n`);
    const people = `people: [{ name: ana, slack: U1, keys: [${other}] }]\n`;
    // The region in which releases are begun needs nobody.
    const lines = complaints(`${more}approvals: signed\n${people}`);
    expect(lines).toEqual(
      able === null ? [] : [expect.stringMatching(`regions\\[1\\].approvers: nobody could approve.*which ${able} of`)],
    );
    expect(complaints(`${more}${people}`)).toEqual([]);
  });

  it('is found behind an anchor', () => {
    const yaml = shortest
      .replace('{ users: [U1] }', '&ops { users: [ana] }')
      .replace(/requesters: .*/, 'requesters: *ops');
    expect(complaints(yaml).map((line) => line.slice(0, 50))).toEqual([
      'zeitwork.yaml:8: regions[0].approvers.users[0]: "a',
      'zeitwork.yaml:8: roles.requesters.users[0]: "ana" ',
    ]);
  });
});
