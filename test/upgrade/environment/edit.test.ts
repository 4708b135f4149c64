import { describe, expect, it } from 'vitest';
import { type Changes, edit, noChanges, parse, quoted, variables } from '../../../src/upgrade/environment/index.ts';
import { environmentFile } from '../../support/environments.ts';
import { fc } from '../../support/fast-check.ts';

const file = `# the operator
PORT=8080
DATABASE_URL="postgres://u:p w@db/x"   
LOG_LEVEL = info

MAX_CONNECTIONS=1000 # not 100
OLD_PARAM='value2'
`;
const made = (changes: Partial<Changes>, text = file): string => {
  const result = edit(text, { ...noChanges, ...changes });
  if (result.is === 'refused') throw new Error(result.reason);
  return result.is === 'same' ? text : result.text;
};
const reason = (changes: Partial<Changes>, text = file): string => {
  const result = edit(text, { ...noChanges, ...changes });
  return result.is === 'refused' ? result.reason : result.is;
};

describe('a file that is changed by its keys', () => {
  it('has one value changed, by the name and not by what looks like it, and every other byte as it was', () => {
    expect(made({ set: { MAX_CONNECTIONS: '200' } })).toBe(
      file.replace('MAX_CONNECTIONS=1000 # not 100', 'MAX_CONNECTIONS=200'),
    );
    expect(made({ set: { LOG_LEVEL: 'debug' } })).toBe(file.replace('LOG_LEVEL = info', 'LOG_LEVEL =debug'));
  });

  it('has a name changed, and what it says stays as it is written', () => {
    expect(made({ rename: { OLD_PARAM: 'NEW_PARAM' } })).toBe(file.replace('OLD_PARAM', 'NEW_PARAM'));
  });

  it('has a line taken away, whole', () => {
    expect(made({ unset: ['LOG_LEVEL'] })).toBe(file.replace('LOG_LEVEL = info\n', ''));
    expect(made({ unset: ['A'] }, 'A="1\n2"\r\nB=3\r\n')).toBe('B=3\r\n');
    expect(made({ unset: ['B'] }, 'A=1\n  B=\\\n2')).toBe('A=1\n');
  });

  it('has a line added once, on a line of its own, also where the last one has no end', () => {
    const added = made({ ensure: { NEW_FLAG: 'enabled' } });
    expect(added).toBe(`${file}NEW_FLAG=enabled\n`);
    expect(edit(added, { ...noChanges, ensure: { NEW_FLAG: 'enabled' } })).toEqual({ is: 'same' });
    expect(made({ ensure: { B: '2' } }, 'A=1')).toBe('A=1\nB=2\n');
    expect(made({ ensure: { A: '1' } }, '')).toBe('A=1\n');
  });

  it('has several changed at once, and says which, key by key', () => {
    const result = edit(file, {
      ...noChanges,
      set: { PORT: '9090' },
      unset: ['LOG_LEVEL'],
      rename: { OLD_PARAM: 'NEW_PARAM' },
      ensure: { MODE: 'fast way' },
      expect: { PORT: '8080' },
    });
    expect(result).toMatchObject({ is: 'edited' });
    expect(result.is === 'edited' && result.differences).toEqual([
      { key: 'PORT', from: '8080', to: '9090' },
      { key: 'LOG_LEVEL', from: 'info', to: null },
      { key: 'OLD_PARAM', from: 'value2', to: null },
      { key: 'NEW_PARAM', from: null, to: 'value2' },
      { key: 'MODE', from: null, to: 'fast way' },
    ]);
  });

  it('is the same where all of it is so already', () => {
    const all = {
      set: { PORT: '8080' },
      unset: ['GONE'],
      rename: { GONE_TOO: 'LOG_LEVEL' },
      ensure: { OLD_PARAM: 'value2' },
    };
    expect(edit(file, { ...noChanges, ...all })).toEqual({ is: 'same' });
  });

  it.each<[string, Partial<Changes>, string | undefined, RegExp]>([
    [
      'a key that is not there',
      { set: { MAX_CONNECTION: '1' } },
      undefined,
      /no MAX_CONNECTION in it: did you mean MAX_CONNECTIONS\? ensure adds it/,
    ],
    ['a key that stands twice', { set: { A: '3' } }, 'A=1\nB=2\nA=2\n', /A stands 2 times, in the lines 1 and 3/],
    ['what is to be taken away and stands twice', { unset: ['A'] }, 'A=1\nA=2\n', /stands 2 times/],
    [
      'what was expected otherwise',
      { set: { PORT: '1' }, expect: { PORT: '80' } },
      undefined,
      /PORT is not what --expect says/,
    ],
    ['what was expected and is not there', { set: { PORT: '1' }, expect: { HOST: 'a' } }, undefined, /no HOST in it/],
    ['a name that is to be changed and is nowhere', { rename: { OLD: 'NEW' } }, undefined, /no OLD in it/],
    [
      'two names of which one is to become the other',
      { rename: { PORT: 'LOG_LEVEL' } },
      undefined,
      /PORT and LOG_LEVEL are both in it/,
    ],
    [
      'what is to be added and is something else',
      { ensure: { PORT: '1' } },
      undefined,
      /PORT is in it and is something else: set changes it/,
    ],
    ['a file whose end is open', { ensure: { B: '1' } }, 'A="1\n', /its last line is not over/],
    ['a comment that may go on', { set: { B: '1' } }, '# a\\\nA=1\nB=2\n', /a comment ends with a backslash/],
    ['what systemd does not read', { set: { A: '1' } }, 'A=\ufdd0\n', /does not read this file/],
    ['no name', { ensure: { 'A-B': '1' } }, undefined, /A-B is no name of a variable/],
    ['a value of two lines', { set: { PORT: '1\n2' } }, undefined, /control character/],
    ['one key twice', { set: { PORT: '1' }, unset: ['PORT'] }, undefined, /PORT is changed twice/],
  ])('refuses %s, with what to do', (_, changes, text, wanted) => {
    expect(reason(changes, text)).toMatch(wanted);
  });

  it('says no value when it refuses', () => {
    for (const changes of [{ set: { PORT: 'hunter2' }, expect: { PORT: 'hunter3' } }, { ensure: { PORT: 'hunter2' } }])
      expect(reason(changes)).not.toMatch(/hunter|8080/);
  });

  it('refuses or does exactly what was asked for, whatever the file is, and leaves every other line byte for byte', () => {
    const change = fc.record({
      key: fc.constantFrom('A', 'B', 'C_D', 'E1', 'LOG_LEVEL'),
      to: fc.constantFrom('1', '', 'a b', 'x"y', "it's", 'a\\b', '$HOME', '#x', ' lead', 'ü'),
      how: fc.constantFrom('set', 'unset', 'ensure', 'rename'),
    });
    let edited = 0;
    fc.assert(
      fc.property(environmentFile, change, (text, { key, to, how }) => {
        const one: Partial<Changes> =
          how === 'unset'
            ? { unset: [key] }
            : how === 'rename'
              ? { rename: { [key]: 'NEW' } }
              : { [how]: { [key]: to } };
        const result = edit(text, { ...noChanges, ...one });
        if (result.is !== 'edited') return;
        edited += 1;
        for (const comments of ['end', 'go on'] as const) {
          const was = variables(parse(text, comments));
          const is = variables(parse(result.text, comments));
          const value = was.get(key);
          if (how === 'rename') expect(is.get('NEW')).toBe(value);
          else expect(is.get(key)).toBe(how === 'unset' ? undefined : to);
          for (const [other, same] of was) if (other !== key) expect(is.get(other)).toBe(same);
        }
        const own = parse(text).assignments.find((each) => each.key === key);
        const [before, after] = own ? [text.slice(0, own.lines.start), text.slice(own.lines.end)] : [text, ''];
        expect(result.text.startsWith(before)).toBe(true);
        expect(result.text.endsWith(after)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(edited).toBeGreaterThan(500);
  });

  it.each(['', 'a', 'a b', '"', '\\', '$x `y`', "it's", '#', ' a ', 'a=b', 'ü', 'a\\'])(
    'writes %j so that it is read back',
    (value) => {
      expect(variables(parse(`A=${quoted(value)}\nB=2\n`))).toEqual(
        new Map([
          ['A', value],
          ['B', '2'],
        ]),
      );
    },
  );
});
