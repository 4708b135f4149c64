import { fc } from './fast-check.ts';

/** Environment files as people, scripts and chance write them: what systemd makes of each is recorded. */
const key = fc.constantFrom('A', 'B', 'C_D', 'E1', '_F', 'LOG_LEVEL', 'export A', '1X', 'A-B', 'Ä', 'A B', '');
const piece = fc.constantFrom(
  ...[
    'a',
    'value',
    '100',
    ' ',
    '  ',
    '\t',
    '"',
    "'",
    '\\',
    '\\\n',
    '\\\\',
    '\\"',
    "\\'",
    '$',
    '\\$',
    '`',
    '#',
    ';',
    '=',
  ],
  ...[
    'é',
    '日本',
    '\\n',
    '\\t',
    '\n',
    '\r',
    '\r\n',
    '""',
    "''",
    '"a b"',
    "'a b'",
    '"a\\\nb"',
    "'a\\\nb'",
    '"a\nb"',
    ['$', '{A}'].join(''),
  ],
);
const value = fc.array(piece, { maxLength: 6 }).map((all) => all.join(''));
const plain = fc.constantFrom(
  '',
  'info',
  '100',
  'postgres://u:p@db/x?y=z',
  '"a b"',
  "'a b'",
  'a b',
  'a\\ b',
  ' a ',
  '"a\\$b"',
);
const ending = fc.constantFrom('\n', '\n', '\n', '\r\n', '\r', '\n\n', '');
const line = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(key, fc.constantFrom('=', '=', '=', ' = ', '= ', ' ='), plain).map((all) => all.join('')),
  },
  { weight: 4, arbitrary: fc.tuple(key, fc.constantFrom('=', '=', ' = '), value).map((all) => all.join('')) },
  { weight: 2, arbitrary: value.map((text) => `# ${text}`) },
  { weight: 1, arbitrary: value.map((text) => `;${text}`) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '\t', '   A=1', '\tB=2', 'no assignment', '\\', '"', "'") },
);

export const environmentFile: fc.Arbitrary<string> = fc
  .array(fc.tuple(line, ending), { maxLength: 6 })
  .map((lines) => lines.map((each) => each.join('')).join(''));

/** The same files in every run. */
export const environmentFiles = (count: number, seed: number): string[] =>
  [...new Set(fc.sample(environmentFile, { numRuns: 3 * count, seed }))].slice(0, count);
