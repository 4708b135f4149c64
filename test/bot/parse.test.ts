import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/bot/command.ts';
import { usage } from '../../src/bot/commands/help.ts';
import { parse } from '../../src/bot/parse.ts';
import { shapes } from '../base/secrets.ts';
import { fc } from '../support/fast-check.ts';

const upgrade: Extract<Command, { verb: 'upgrade' }> = {
  verb: 'upgrade',
  version: 'v2.0.0',
  strategy: null,
  regions: null,
  limit: null,
  when: { is: 'windows' },
  dryRun: false,
};

const understood: [string, Command][] = [
  ['', { verb: 'bare' }],
  ['  \u00a0 ', { verb: 'bare' }],
  ['upgrade v2.0.0', upgrade],
  ['upgrade 2.0.0', upgrade],
  ['UPGRADE V2.0.0  ', upgrade],
  ['upgrade\u00a0v2.0.0\u00a0', upgrade],
  ['upgrade <http://v2.0.0|v2.0.0>', upgrade],
  ['upgrade v2.0.0-rc.1', { ...upgrade, version: 'v2.0.0-rc.1' }],
  ['upgrade v2.0.0 --strategy regions', { ...upgrade, strategy: 'regions' }],
  ['upgrade v2.0.0 --strategy=rolling', { ...upgrade, strategy: 'rolling' }],
  ['upgrade —strategy regions v2.0.0', { ...upgrade, strategy: 'regions' }],
  ['upgrade v2.0.0 –dry-run', { ...upgrade, dryRun: true }],
  ['upgrade v2.0.0 —dry‑run', { ...upgrade, dryRun: true }],
  ['upgrade v2.0.0 --regions us-east,EU-west,us-east', { ...upgrade, regions: ['us-east', 'eu-west'] }],
  ['upgrade v2.0.0 --nodes 1', { ...upgrade, limit: 1 }],
  ['upgrade v2.0.0 --now --reason "pager is on fire"', { ...upgrade, when: { is: 'now', reason: 'pager is on fire' } }],
  ['upgrade v2.0.0 —now —reason “it’s down”', { ...upgrade, when: { is: 'now', reason: "it's down" } }],
  ["upgrade v2.0.0 --reason don't wait --now", { ...upgrade, when: { is: 'now', reason: "don't wait" } }],
  [
    'upgrade v2.0.0 --now --reason fire --incident <https://status.example.com/i/42>',
    { ...upgrade, when: { is: 'now', reason: 'fire', incident: 'https://status.example.com/i/42' } },
  ],
  ['upgrade v2.0.0 --reason="a b" --now', { ...upgrade, when: { is: 'now', reason: 'a b' } }],
  ['upgrade v2.0.0 --at tue 02:00 --dry-run', { ...upgrade, when: { is: 'at', text: 'tue 02:00' }, dryRun: true }],
  ['upgrade v2.0.0 --next', { ...upgrade, when: { is: 'next' } }],
  ['schedule v2.0.0 --next', { verb: 'schedule', upgrade: { ...upgrade, when: { is: 'next' } } }],
  [
    'schedule 2.0.0 --at 02:00 --regions us-east',
    { verb: 'schedule', upgrade: { ...upgrade, regions: ['us-east'], when: { is: 'at', text: '02:00' } } },
  ],
  ['reschedule --next', { verb: 'reschedule', when: { is: 'next' } }],
  ['reschedule —at wed 02:00', { verb: 'reschedule', when: { is: 'at', text: 'wed 02:00' } }],
  ['cancel', { verb: 'cancel', plan: null }],
  ['cancel 01JD~ab', { verb: 'cancel', plan: '01JD~ab' }],
  ['why', { verb: 'why', node: null }],
  ['why eu‑west‑op‑1', { verb: 'why', node: 'eu-west-op-1' }],
  ['approve eu-west', { verb: 'approve', what: 'eu-west' }],
  ['rollback', { verb: 'rollback', target: null, dryRun: false }],
  ['rollback all', { verb: 'rollback', target: 'all', dryRun: false }],
  ['switch-back us-east', { verb: 'rollback', target: 'us-east', dryRun: false }],
  ['rollback us-east --dry-run', { verb: 'rollback', target: 'us-east', dryRun: true }],
  ['rollback —dry-run', { verb: 'rollback', target: null, dryRun: true }],
  [
    'rollback <http://eu-west-op-1.example.com|eu-west-op-1.example.com>',
    { verb: 'rollback', target: 'eu-west-op-1.example.com', dryRun: false },
  ],
  ['diagnose us-east-op-1 --bundle', { verb: 'diagnose', node: 'us-east-op-1', bundle: '-' }],
  ['diagnose us-east-op-1 --bundle -', { verb: 'diagnose', node: 'us-east-op-1', bundle: '-' }],
  ['diagnose us-east-op-1 —bundle night.txt', { verb: 'diagnose', node: 'us-east-op-1', bundle: 'night.txt' }],
  ['diagnose <@U123|bob>', { verb: 'diagnose', node: '@U123' }],
  ['help', { verb: 'help', about: null }],
  ['help upgrade', { verb: 'help', about: 'upgrade' }],
  ['start 01JD~ab', { verb: 'start', plan: '01JD~ab' }],
  ['pause', { verb: 'pause' }],
  ['mine', { verb: 'mine', wait: null }],
  ['approve eu-west —comment “all quiet”', { verb: 'approve', what: 'eu-west', comment: 'all quiet' }],
  ['decline eu-west --reason errors are up', { verb: 'decline', what: 'eu-west', reason: 'errors are up' }],
  [
    'freeze us-east --until 2026-12-01 06:00 --reason "audit of the year"',
    { verb: 'freeze', regions: ['us-east'], from: null, until: '2026-12-01 06:00', reason: 'audit of the year' },
  ],
  [
    'freeze All —until 06:00 —from 22:00 —reason sale',
    { verb: 'freeze', regions: null, from: '22:00', until: '06:00', reason: 'sale' },
  ],
  [
    'freeze US-east,eu-west --reason x --until 06:00',
    { verb: 'freeze', regions: ['us-east', 'eu-west'], from: null, until: '06:00', reason: 'x' },
  ],
  ['unfreeze all', { verb: 'unfreeze', what: 'all' }],
  ['unfreeze f-1a2b3c4d', { verb: 'unfreeze', what: 'f-1a2b3c4d' }],
];

const refused: [string, RegExp][] = [
  ['schedule v2.0.0', /for when\?/],
  ['schedule v2.0.0 --now --reason x', /for when\?/],
  ['reschedule', /to when\?/],
  ['reschedule tomorrow', /tomorrow is too much/],
  ['reschedule --at 02:00 --next', /exclude each other/],
  ['upgrade v2.0.0 --now --next', /exclude each other/],
  ['frezee us-east', /did you mean freeze\?/],
  ['freeze', /freeze what\? A region, or all/],
  ['decline', /the region is missing/],
  ['decline eu-west', /wants to know why: --reason/],
  ['approve --comment fine eu-west', /the region is missing/],
  ['approve --comment=fine eu-west', /it comes first/],
  [`decline eu-west --reason ${'x'.repeat(201)}`, /201 characters, at most 200/],
  ['approve eu-west --comment password=hunter2hunter2', /looks as if it held a secret/],
  ['freeze , --until 06:00 --reason x', /freeze what\?/],
  ['freeze us-east', /a freeze needs an end: --until 06:00/],
  ['freeze us-east --until 06:00', /wants to know why: --reason/],
  ['freeze us-east --until 06:00 --reason', /--reason needs a value/],
  ['freeze us-east eu-west --until 06:00 --reason x', /eu-west is too much/],
  ['freeze us-east --untill 06:00 --reason x', /did you mean --until\?/],
  [`freeze us-east --until 06:00 --reason "${'x'.repeat(201)}"`, /has 201 characters, at most 200/],
  ['unfreeze', /the id of a freeze, a region, or all is missing/],
  ['unfreeze us-east eu-west', /one name is expected/],
  ['upgarde v2.0.0', /did you mean upgrade\?/],
  ['staus', /did you mean status\?/],
  ['make me a coffee', /no such command/],
  ['upgrade', /which version\?/],
  ['upgrade banana', /banana is not a version/],
  ['upgrade 2.0', /not a version/],
  ['upgrade v02.0.0', /not a version/],
  ['upgrade v2.0.0+build', /not a version/],
  ['upgrade v2.0.0-', /not a version/],
  ['upgrade v2.0.0; rm -rf /', /only one version|-rf is not known/],
  ['upgrade "v2.0.0; rm -rf /"', /not a version/],
  ['upgrade v2.0.0;reboot', /not a version/],
  ['upgrade $(id)', /not a version/],
  ['upgrade ../v2.0.0', /not a version/],
  ['upgrade v2.0.0 v2.1.0', /only one version/],
  ['upgrade v2.0.0 --stratgy rolling', /did you mean --strategy\?/],
  ['upgrade v2.0.0 -now', /did you mean --now\?/],
  ['upgrade v2.0.0 --colour red', /there are --strategy/],
  ['upgrade v2.0.0 --strategy region', /did you mean regions\?/],
  ['upgrade v2.0.0 --strategy yolo', /there are rolling and regions/],
  ['upgrade v2.0.0 --nodes 0', /a number from 1/],
  ['upgrade v2.0.0 --nodes many', /a number from 1/],
  ['upgrade v2.0.0 --regions ,', /needs names/],
  ['upgrade v2.0.0 --now', /needs --reason/],
  ['upgrade v2.0.0 --now --reason', /--reason needs a value/],
  ['upgrade v2.0.0 --now --at 02:00', /exclude each other/],
  ['upgrade v2.0.0 --reason because', /belongs to --now/],
  ['upgrade v2.0.0 --incident https://a.example', /--incident belongs to --now/],
  ['upgrade v2.0.0 --now --reason x --incident INC-42', /needs the address/],
  ['upgrade v2.0.0 --now --reason x --incident javascript:alert(1)', /needs the address/],
  ['upgrade v2.0.0 --now --reason x --incident https://me:secret@a.example', /needs the address/],
  [`upgrade v2.0.0 --now --reason x --incident https://a.example/${'x'.repeat(300)}`, /longer than 300/],
  // What is hidden of an address would lead nowhere, and nobody would know before the next morning.
  [
    'upgrade v2.0.0 --now --reason x --incident https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit',
    /looks as if it held a secret/,
  ],
  [
    'upgrade v2.0.0 --now --reason x --incident https://a.example/hooks#ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    /looks as if it held a secret/,
  ],
  ['upgrade v2.0.0 --now --reason x --incident https://a.example/i/42?token=4f8a', /looks as if it held a secret/],
  ['upgrade v2.0.0 --dry-run --dry-run', /given twice/],
  ['upgrade v2.0.0 --dry-run=no', /takes no value/],
  ['pause now', /nothing is expected/],
  ['pause --force', /takes no flags/],
  ['approve', /the region is missing/],
  ['approve eu-west us-east', /one name is expected/],
  ['help upgarde', /did you mean upgrade\?/],
  ['constructor', /no such command/],
  ['__proto__', /no such command/],
];

describe('parse', () => {
  it.each(understood)('understands %j', (text, command) => {
    expect(parse(text)).toEqual({ is: 'command', command });
  });

  it.each(refused)('refuses %j and says why', (text, problem) => {
    const parsed = parse(text);
    expect(parsed.is).toBe('usage');
    expect(parsed.is === 'usage' && parsed.problem).toMatch(problem);
  });

  it('keeps the input as it was understood, for the echo', () => {
    expect(parse('upgrade &lt;!channel&gt;')).toMatchObject({
      is: 'usage',
      input: 'upgrade <!channel>',
      verb: 'upgrade',
    });
  });

  it('never throws, whatever is typed', () => {
    const pieces = fc.constantFrom(
      'upgrade',
      '--now',
      '—at',
      '"',
      "'",
      '=',
      'v2.0.0',
      '<@U1|x>',
      '<',
      '|',
      '>',
      '&lt;',
      ' ',
      '\u00a0',
      '--',
      '-',
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parse(text)));
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (parts) => void parse(parts.join(' '))),
    );
  });

  it('lets nothing but a strict version through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parse(`upgrade ${text}`);
        if (parsed.is === 'command' && parsed.command.verb === 'upgrade') {
          expect(parsed.command.version).toMatch(/^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);
        }
      }),
    );
  });

  const typed = shapes.filter(({ bare, line, secret, before }) => !bare && !line && !/[\n"'\\]/.test(before + secret));

  it.each([
    ['upgrade v2.0.0 --now --reason', (command: Command) => command.verb === 'upgrade' && command.when],
    ['freeze all --until 06:00 --reason', (command: Command) => command.verb === 'freeze' && command.reason],
  ])('keeps no secret that a person wrote as a reason: %s', (begin, reasonOf) => {
    expect(typed.length).toBeGreaterThan(60);
    const leaking = typed.filter(({ before, secret, after }) => {
      const parsed = parse(`${begin} ${before}${secret}${after.replace(/["'\n].*/s, '')}`);
      if (parsed.is === 'usage') return !/characters, at most|is not known/.test(parsed.problem);
      return JSON.stringify(reasonOf(parsed.command)).includes(secret);
    });
    expect(leaking.map(({ name }) => name)).toEqual([]);
  });

  it('keeps an ordinary reason as it was written', () => {
    expect(parse('freeze all --until 06:00 --reason "year-end sale, see #ops: 3 tokens"')).toMatchObject({
      command: { reason: 'year-end sale, see #ops: 3 tokens' },
    });
  });

  it('says back what could not be read without the secrets in it', () => {
    const parsed = parse('upgrade v2.0.0 --password hunter2hunter2');
    if (parsed.is !== 'usage') throw new Error('it was read');
    expect(JSON.stringify(usage(parsed.problem, parsed.verb, parsed.input))).not.toContain('hunter2');
  });
});
