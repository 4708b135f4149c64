import { describe, expect, it } from 'vitest';
import { short } from '../../src/base/hash.ts';

describe('what is shown of a hash', () => {
  it.each([
    ['0123456789abcdef', '0123456789ab'],
    ['<!channel>', '??channel?'],
    ['`a|b\u202e', '?a?b?'],
    ['unsigned', 'unsigned'],
  ])('%j is %s', (hash, shown) => expect(short(hash)).toBe(shown));
});
