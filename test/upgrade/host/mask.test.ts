import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redactLines } from '../../../src/base/redact.ts';
import { readLines } from '../../../src/upgrade/host/answer.ts';
import { diagnose } from '../../../src/upgrade/host/commands.ts';
import { diagnoseNode } from '../../../src/upgrade/host/index.ts';
import { shapes } from '../../base/secrets.ts';
import { service } from '../steps/support.ts';
import { env, Trial } from '../steps/trial.ts';

const values = {
  plain: 'correcthorse',
  quoted: 'battery staple',
  odd: 'a.*[b]\\d$&/e|x',
  'with =': 'x=y=z==q',
  'with quotes in it': `it's "so"`,
  address: 'postgres://zw:pa:ss@word@db.internal:5432/zw',
  'the password of an address': 'pa:ss@word',
  'a line of a key': 'MIIEpAIBAAKCAQEAz7Qk',
  'not ASCII': 'pässwörd',
  'four characters under a name that tells': 'zq7!',
  'what a quote was escaped in': 'pa"ss$wo',
};
const file = `# a comment: correct-comment
; another
PLAIN=${values.plain}
export QUOTED="${values.quoted}"
  ODD='${values.odd}'
EQUALS=${values['with =']}\r
MARKS=${values['with quotes in it']}
DATABASE_URL=${values.address}
TLS_KEY="-----BEGIN
${values['a line of a key']}
-----END"
UML=${values['not ASCII']}
DB_PASSWORD=zq7!
ESCAPED="pa\\"ss\\$wo"
PORT=8080
SHORT=abcde
EMPTY=
`;

describe('what the node itself says of a sick service', () => {
  let trial: Trial;
  beforeEach(() => {
    trial = new Trial();
    trial.node.write(env, file, 0o640);
  });
  afterEach(() => trial.close());

  const journal = (...lines: string[]) => {
    trial.node.write('lines', `${lines.join('\n')}\n`);
    trial.node.write('bin/journalctl', `#!/bin/sh\nexec cat ${trial.node.path('lines')}\n`, 0o755);
  };
  const said = async (): Promise<string> => {
    const outcome = await trial.node.run('', diagnose(service, 5_000));
    expect(outcome).toMatchObject({ is: 'exited', code: 0, stderr: '' });
    return 'stdout' in outcome ? outcome.stdout : '';
  };

  it.each(Object.entries(values))('holds no value of its environment file (%s)', async (_, value) => {
    journal(`level=FATAL msg="dial ${value} failed, again ${value}${value}"`, `<${value}>`);
    const text = await said();
    expect(text).not.toContain(value);
    expect(text).toContain('@@zw journal level=FATAL msg="dial *** failed, again ******"');
  });

  it('keeps short values and what is no value', async () => {
    journal('listening on 8080 abcde', 'a comment: correct-comment', 'PLAIN and QUOTED are set');
    expect(await said()).toMatch(/listening on 8080 abcde\n.*a comment: correct-comment\n.*PLAIN and QUOTED are set/);
  });

  it('holds none that lies where a line is cut', async () => {
    journal(...[285, 290, 295].map((at) => `${'x'.repeat(at)}${values.plain}${'y'.repeat(5_000)}`));
    const text = await said();
    expect(text).not.toMatch(/corre|correcth/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(330);
  });

  it('holds no beginning of one where a line was cut before it was masked', async () => {
    const long = `LONG-${'abcdefghij'.repeat(500)}`;
    trial.node.write(env, `TOKEN=${values.plain}\nLONG=${long}\n`, 0o640);
    // What is masked makes the line shorter, so that its end comes into sight.
    const many = values.plain.repeat(Math.ceil(4_000 / values.plain.length));
    journal(`x${many}`, `xyz${many}`, `here ${long}`);
    const text = await said();
    expect(text).not.toMatch(/corr|LONG-|abcde/);
  });

  it('holds no beginning of one of many words that is longer than a line', async () => {
    const long = `LONG-${'abc def ghi '.repeat(500)}`;
    trial.node.write(env, `LONG="${long}"\n`, 0o640);
    journal(`here ${long}`);
    expect(await said()).not.toMatch(/LONG-|abc def/);
  });

  it('holds no part of what only its form tells where a line is cut', async () => {
    const cut = shapes
      .filter(({ bare }) => bare)
      .flatMap(({ before, secret, after }) => {
        const text = before + secret + after;
        return Array.from(text, (_, at) => ({ secret, line: `${'noise '.repeat(60).slice(-(300 - at))}${text} more` }));
      });
    expect(cut.length).toBeGreaterThan(400);
    for (let from = 0; from < cut.length; from += 60) {
      const some = cut.slice(from, from + 60);
      journal(...some.map(({ line }) => line));
      const kept = readLines(await said()).get('journal') ?? [];
      expect(kept).toHaveLength(some.length);
      for (const [at, shown] of redactLines(kept).entries()) {
        const secret = some[at]?.secret ?? '';
        const parts = Array.from(secret, (_, begin) => secret.slice(begin, begin + 6)).filter(
          (part) => part.length === 6,
        );
        expect(parts.filter((part) => shown.includes(part))).toEqual([]);
        expect(shown).toContain('noise');
      }
    }
  });

  it('says nothing of the journal where the file is too long to be masked', async () => {
    trial.node.write(env, Array.from({ length: 2_100 }, (_, n) => `K${n}=value-${n}\n`).join(''));
    journal('dial value-2099');
    expect(await said()).toMatch(/@@zw journal not shown: the environment file is too long/);
    expect(await said()).not.toContain('value-2099');
  });

  it('asks for lines that are not shortened in the middle of a value', () => {
    expect(diagnose(service, 5_000).script).toMatch(/systemctl status "\$unit" --no-pager --full/);
  });

  it('says nothing of the journal where it cannot be masked', async () => {
    journal(`dial ${values.plain}`);
    const { script, args } = diagnose(service, 5_000);
    const blind = { name: 'diagnose', script: script.replaceAll('command -v awk', 'command -v no-awk'), args };
    const outcome = await trial.node.run('', { ...blind, sudo: true, timeoutMs: 5_000 });
    expect(outcome).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/@@zw journal not shown: awk is not installed/),
    });
    expect(outcome).toMatchObject({ stdout: expect.not.stringContaining(values.plain) });
  });

  it('comes in time, whatever the file and the journal hold', async () => {
    trial.node.write(env, Array.from({ length: 450 }, (_, n) => `K${n}=value-${n}-${'a'.repeat(60)}\n`).join(''));
    journal(...Array.from({ length: 200 }, () => 'a'.repeat(20_000)));
    const from = performance.now();
    await said();
    expect(performance.now() - from).toBeLessThan(15_000);
  });

  it('reaches nobody with a secret in it', async () => {
    journal(`2026-11-22T23:35:22+0000 n op[1]: level=FATAL msg="dial ${values.plain}, token=s3cret"`);
    const diagnosis = await diagnoseNode('us-east-op-1', service, trial.node, trial.node, 5_000);
    expect(JSON.stringify(diagnosis)).not.toMatch(/correcthorse|s3cret/);
    expect(JSON.stringify(diagnosis)).toContain('dial ***, token=***');
  });
});
