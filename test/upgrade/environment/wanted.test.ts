import { describe, expect, it } from 'vitest';
import {
  isHidden,
  linesToCompare,
  noRules,
  refusedWanted,
  resolved,
  rewritten,
  type Wanted,
  wantsNothing,
} from '../../../src/upgrade/environment/index.ts';

const rules = {
  secret: ['*_SALT', 'A*B*C', 'PLAIN'],
  values: { COUNT: 'integer' as const, N_SALT: 'integer' as const, LEVEL: ['info', 'warn'] },
  files: '/run/secrets',
};
const wants = (wanted: Partial<Wanted>): Wanted => ({ ...wantsNothing, ...wanted });

describe('a key whose value nobody may see', () => {
  it.each([
    ['DATABASE_URL', true],
    ['API_TOKEN', true],
    ['MY_SALT', true],
    ['_SALT', true],
    ['SALT', false],
    ['AxBxC', true],
    ['ABC', true],
    ['ACB', false],
    ['PLAIN', true],
    ['PLAINER', false],
    ['MAX_CONNECTIONS', false],
  ])('%s: %s', (key, hidden) => expect(isHidden(key, rules)).toBe(hidden));
});

describe('what cannot be asked for', () => {
  it.each<[string, Partial<Wanted>, RegExp]>([
    ['a secret that was typed', { set: { MY_SALT: 'hush-hush' } }, /MY_SALT is a secret.*MY_SALT=@FILE/],
    ['the same as what is expected', { unset: ['X'], expect: { API_TOKEN: 'hush-hush' } }, /API_TOKEN is a secret/],
    ['a value with a password in it', { ensure: { PEER: 'postgres://zw:hush-hush@db/zw' } }, /PEER is a secret/],
    ['a value that is no integer', { set: { COUNT: '12.5' } }, /COUNT must be an integer/],
    ['a value that is none of a list', { set: { LEVEL: 'hush-hush' } }, /LEVEL must be one of info, warn/],
    ['a file for a key that anybody sees', { set: { LEVEL: { file: 'salt' } } }, /LEVEL does not look like a secret/],
    ['a file in a folder', { set: { MY_SALT: { file: '../x' } } }, /the name of a file, without a folder/],
    ['a name that is none', { set: { '1X': 'hush-hush' } }, /no name of a variable/],
    ['nothing', {}, /nothing is to be changed/],
  ])('%s', (_, wanted, reason) => {
    const said = refusedWanted(wants(wanted), rules);
    expect(said).toMatch(reason);
    expect(said).not.toMatch(/hush/);
  });

  it('a file where the settings have no place for one', () => {
    expect(refusedWanted(wants({ set: { MY_SALT: { file: 'salt' } } }), noRules)).toMatch(/config\.files/);
  });

  it.each(['0', '-7', '200'])('%s is an integer', (value) =>
    expect(refusedWanted(wants({ set: { COUNT: value } }), rules)).toBeNull(),
  );
});

describe('values that nobody typed', () => {
  it('come from files, without the break at their end, and are judged like any other', () => {
    const wanted = wants({ set: { MY_SALT: { file: 'salt' }, N_SALT: { file: 'count' } } });
    const files = (count: string) => (name: string) => ({ text: name === 'salt' ? 'a b\n' : count });
    expect(resolved(wanted, rules, files('7'))).toMatchObject({
      is: 'changes',
      changes: { set: { MY_SALT: 'a b', N_SALT: '7' } },
    });
    expect(resolved(wanted, rules, files('many'))).toEqual({ is: 'refused', reason: 'N_SALT must be an integer' });
    expect(resolved(wanted, rules, files('\n'))).toMatchObject({ is: 'refused' });
    expect(resolved(wanted, rules, () => ({ refused: 'there is none' }))).toMatchObject({
      is: 'refused',
      reason: expect.stringMatching(/^MY_SALT: there is none/),
    });
  });

  it('may be empty where they were typed', () => {
    expect(resolved(wants({ set: { X: '' } }), rules, () => ({ refused: 'not asked' }))).toMatchObject({
      is: 'changes',
    });
  });
});

describe('what people see of a change', () => {
  const shown = (before: string, wanted: Partial<Wanted>) => {
    const all = wants(wanted);
    const found = resolved(all, rules, () => ({ text: 'hush-hush' }));
    if (found.is === 'refused') throw new Error(found.reason);
    return rewritten(before, all, found.changes, rules);
  };

  it('is a value as it was and as it is', () => {
    expect(shown('COUNT=100\n', { set: { COUNT: '200' } })).toMatchObject({
      text: 'COUNT=200\n',
      differences: [{ key: 'COUNT', from: '100', to: '200' }],
    });
  });

  it.each<[string, string, Partial<Wanted>]>([
    ['a secret', 'MY_SALT=hush-old\n', { set: { MY_SALT: { file: 'x' } } }],
    ['an address under a new name', 'MY_SALT=postgres://zw:hush-old@db/zw\n', { rename: { MY_SALT: 'SEASONING' } }],
    ['a secret under another name of one', 'MY_SALT=hush-old\n', { rename: { MY_SALT: 'OLD_SALT' } }],
    ['what becomes a secret', 'SEASONING=hush-old\n', { rename: { SEASONING: 'MY_SALT' } }],
    ['a password in an address', 'PEER=postgres://zw:hush-old@db/zw\n', { set: { PEER: 'none' } }],
  ])('is nothing of %s', (_, before, wanted) => {
    const found = shown(before, wanted);
    if (found.is !== 'edited') throw new Error(found.is);
    expect(JSON.stringify(found.differences)).not.toMatch(/hush/);
    expect(found.differences.every(({ hidden }) => hidden)).toBe(true);
  });

  it('is said to be the same where the file has it', () => {
    expect(shown('COUNT=200\n', { set: { COUNT: '200' } })).toEqual({ is: 'same' });
  });

  it('is refused where a secret would get a name under which the next look shows it', () => {
    const found = shown('MY_SALT=hush-old\n', { rename: { MY_SALT: 'SEASONING' } });
    expect(found).toMatchObject({ is: 'refused', reason: expect.stringMatching(/SEASONING .*config\.secret/) });
    expect(JSON.stringify(found)).not.toMatch(/hush/);
    expect(shown('SEASONING=hush-old\n', { rename: { MY_SALT: 'SEASONING' } })).toEqual({ is: 'same' });
  });

  it('is refused where what is renamed is of several lines', () => {
    expect(shown('X="a\nb"\n', { rename: { X: 'Y' } })).toMatchObject({ is: 'refused' });
  });
});

describe('what a process must have been started with', () => {
  it('is a line for each key that is there, and a name for each that is not', () => {
    const wanted = wants({ set: { A: '1' }, ensure: { B: 'x y' }, rename: { C: 'D' }, unset: ['E'] });
    expect(linesToCompare('A=1\nB="x y"\nD=\'4\'\n', wanted)).toBe('A=1\nD=4\nB=x y\n!E\n!C\n');
  });
});
