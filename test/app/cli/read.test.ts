import { describe, expect, it } from 'vitest';
import { readAsked, typed } from '../../../src/app/cli/ask.ts';
import { Ended } from '../../../src/app/cli/exit.ts';
import { readWord } from '../../../src/app/cli/read.ts';

describe('what stands behind a role or a tool', () => {
  it('is read with its flags, repeated where that means something', () => {
    const { values } = readWord('worker', ['--region', 'us-east', '--region=eu-west']);
    expect(values.get('region')).toEqual(['us-east', 'eu-west']);
    expect(readWord('sandbox', ['--port', '0', '--windows', 'guide']).values.get('windows')).toEqual(['guide']);
    expect(readWord('watch', ['r-1'])).toEqual({ values: new Map(), operand: 'r-1' });
  });

  it.each([
    ['sandbox', '--prot 1', /^sandbox: --prot is not known: did you mean --port\?/],
    ['sandbox', '-port 1', /-port is not known: did you mean --port\?/],
    ['sandbox', '--port', /--port needs a value: --port N/],
    ['sandbox', '--port 1 --port 2', /--port is given twice/],
    ['sandbox', '--windows never', /--windows never: guide or always is expected/],
    ['sandbox', '--colour red', /--colour is not known: there is --port, --windows/],
    ['bot', '--region x', /^bot: --region is not known here; it belongs to worker: zeitwork worker \[--region R\]/],
    ['all', '--fast', /--fast is not known: there are no flags/],
    ['doctor', 'now', /"now" is too much/],
    ['completion', '', /bash\|zsh is missing/],
    ['completion', 'fish', /"fish": bash or zsh is expected/],
    ['watch', 'r-1 r-2', /"r-2" is too much/],
  ])('%s %s: a usage error that says what was meant', (word, args, message) => {
    const read = () => readWord(word, args.split(' ').filter(Boolean));
    expect(read).toThrow(message);
    expect(read).toThrow(/\nusage: zeitwork /);
    expect(read).toThrow(Ended);
  });
});

describe('what may stand anywhere', () => {
  it('is taken out, and never out of words in quotes', () => {
    expect(readAsked(['upgrade', 'v2.0.0', '--json', '--now', '--reason', 'the --help is broken'])).toEqual({
      word: 'upgrade',
      rest: ['v2.0.0', '--now', '--reason', 'the --help is broken'],
      help: false,
      version: false,
      json: true,
      which: { config: [], fleet: [] },
    });
    expect(readAsked(['--fleet', 'a', 'status', '--config=x.yaml', '--config', 'y', '--json'])).toMatchObject({
      ...{ word: 'status', rest: [], which: { config: ['x.yaml', 'y'], fleet: ['a'] }, json: true },
    });
    expect(() => readAsked(['status', '--fleet'])).toThrow(/--fleet needs a value/);
    expect(readAsked(['-V'])).toMatchObject({ word: null, version: true });
    expect(readAsked(['status', '-h'])).toMatchObject({ word: 'status', help: true });
  });

  it('leaves words with blanks together', () => {
    expect(typed(['upgrade', '--reason', 'disk "full"'])).toBe('upgrade --reason "disk full"');
  });
});
