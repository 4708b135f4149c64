import { describe, expect, it } from 'vitest';
import { firstOf, lastOf } from '../../src/base/cut.ts';
import { holdsSecret, redact, redactLines } from '../../src/base/redact.ts';
import { fc } from '../support/fast-check.ts';
import { prose, type Shape, shapes } from './secrets.ts';

/** How much of a secret may show: a few characters tell nothing. */
const shows = 6;

/** Parts of the secret that can be read in the text. */
function leaks(text: string, secret: string): string[] {
  const parts = secret
    .split('\n')
    .flatMap((line) =>
      Array.from({ length: Math.max(1, line.length - shows + 1) }, (_, at) => line.slice(at, at + shows)),
    );
  return parts.filter((part) => part.length >= Math.min(shows, secret.length) && text.includes(part));
}

/** What stands in a list with zero bytes is shown in lines. */
const isOfLines = (text: string) => !text.includes('\0');
const whole = ({ before, secret, after }: Shape) => before + secret + after;
const splitByAnsi = (text: string) => text.replace(/.{1,3}/gs, (part) => `${part}\u001b[31m\u200b\u202e\u001b[0m`);
const inJson = (shape: Shape) => JSON.stringify({ level: 'info', msg: whole(shape), port: 8080 });

describe('a text without its secrets', () => {
  it('knows more than sixty shapes', () => {
    expect(shapes.length).toBeGreaterThan(100);
    expect(new Set(shapes.map(({ name }) => name)).size).toBe(shapes.length);
  });

  const ways: [string, (shape: Shape) => string][] = [
    ['whole', whole],
    ['split by terminal codes and unseen characters', (shape) => splitByAnsi(whole(shape))],
    ['among other lines', (shape) => `first line, x=1\n${whole(shape)}\nlast line: end`],
    ['with Windows line ends', (shape) => `first\r\n${whole(shape).replaceAll('\n', '\r\n')}\r\nlast`],
    ['in the msg of a JSON line', inJson],
    ['in the msg of a JSON line within another', (shape) => JSON.stringify({ log: inJson(shape) })],
    ['behind a log prefix', (shape) => `2026-11-22T23:35:22+0000 n op[1]: level=INFO msg=x ${whole(shape)}`],
  ];
  it.each(ways)('holds none of them %s', (way, make) => {
    const leaking = shapes.flatMap((shape) => {
      if (shape.line && way === 'behind a log prefix') return [];
      const clean = redact(make(shape));
      return leaks(clean, shape.secret).length > 0 ? [`${shape.name}: ${clean}`] : [];
    });
    expect(leaking).toEqual([]);
  });

  const cutAnywhere = (cut: (text: string, at: number) => string, among: Shape[] = shapes): string[] =>
    among.flatMap((shape) => {
      const text = whole(shape);
      return Array.from(text, (_, at) => at).flatMap((at) => {
        const clean = redact(cut(text, at));
        return leaks(clean, shape.secret).length > 0 ? [`${shape.name}, cut at ${at}: ${clean}`] : [];
      });
    });

  it('holds none of them when somebody else cut the text anywhere, but for those that only their form tells', () => {
    const among = shapes.filter(({ bare }) => !bare);
    expect(cutAnywhere((text, at) => text.slice(0, at), among).slice(0, 20)).toEqual([]);
  });

  it('holds none of them where we cut the text, anywhere at its end', () => {
    expect(cutAnywhere(firstOf).slice(0, 20)).toEqual([]);
    expect(cutAnywhere((text, at) => firstOf(splitByAnsi(text), at)).slice(0, 20)).toEqual([]);
  });

  it('holds none of them where we cut the text, anywhere at its beginning', () => {
    const rest = `\n${'a line that follows\n'.repeat(2_000)}`;
    const behind = (text: string, at: number) => lastOf(`before ${text}${rest}`, text.length - at + rest.length);
    expect(cutAnywhere(behind).slice(0, 20)).toEqual([]);
    expect(behind('x', 0).split('\n').length).toBeGreaterThan(1_000);
  });

  it('holds none of them where the redactor itself has seen enough', () => {
    const filled = shapes.flatMap((shape) => {
      const text = whole(shape);
      return Array.from({ length: 12 }, (_, part) => Math.ceil((text.length * (part + 1)) / 13)).flatMap((at) => {
        const clean = redact(`${'a line\n'.repeat(10_000).slice(-(64 * 1024 - at))}${text} ${'more '.repeat(100)}`);
        return leaks(clean, shape.secret).length > 0 ? [`${shape.name}, cut at ${at}: ${clean.slice(-200)}`] : [];
      });
    });
    expect(filled.slice(0, 20)).toEqual([]);
  });

  it('holds none of them behind what the redactor sees, from its border on, and says that there was more', () => {
    const all = shapes.map(whole).join('\n');
    for (const at of [64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 200_000]) {
      for (const text of [all, splitByAnsi(all)]) {
        const long = `${'a line\n'.repeat(at / 7 + 1).slice(-at)}${text}\nmore`;
        const clean = redact(long);
        expect(clean).toMatch(/\[the rest was left out\]$/);
        for (const each of [clean, ...redactLines(['first', long, 'last'])]) {
          expect(shapes.flatMap(({ secret }) => leaks(each, secret))).toEqual([]);
          expect(each).not.toContain('more');
        }
      }
    }
  });

  it('holds no part of what is known to be secret where it is cut, and tells it also behind that', () => {
    const known = ['correct horse battery'];
    for (let at = 0; at <= 22; at += 1) {
      const long = `${'a line\n'.repeat(10_000).slice(-(64 * 1024 - at))}correct horse battery staple ${'more '.repeat(9)}`;
      expect(redact(long, known), `cut at ${at}`).not.toMatch(/correct|horse|battery/);
      expect(holdsSecret(long, known)).toBe(true);
    }
    for (const secret of ['redis://bo:pw@host:1', '-----BEGIN OPENSSH PRIVATE KEY----- x', 'xoxb-123-abc'])
      for (const before of [64 * 1024 - 5, 64 * 1024, 300_000])
        expect(holdsSecret(`${'a line\n'.repeat(50_000).slice(-before)}${secret}`), `${before}`).toBe(true);
  });

  it('holds no lines of a key whose beginning was cut off', () => {
    const rest = (end: string) => ['u9Q2', 'kk4TzW8=', end, 'after'];
    for (const end of ['-----END RSA PRIVATE KEY-----', '-----END PGP PRIVATE KEY BLOCK-----', 'Private-MAC: 00']) {
      for (const shown of [redact(rest(end).join('\n')), redactLines(rest(end)).join('\n')]) {
        expect(shown).not.toMatch(/u9Q2|kk4T/);
        expect(shown).toMatch(/after$/);
      }
    }
    expect(redact('a\n-----END CERTIFICATE-----')).toBe('a\n-----END CERTIFICATE-----');
  });

  it('holds none of them when its lines are looked at one by one', () => {
    const leaking = shapes.flatMap((shape) => {
      if (/\n[ "]*$/.test(shape.before) && !/-----|Private/.test(shape.before)) return [];
      const lines = ['first', ...whole(shape).split('\n'), 'last'];
      const clean = redactLines(lines);
      expect(clean).toHaveLength(lines.length);
      expect([clean[0], clean.at(-1)]).toEqual(
        /PRIVATE|Private/.test(shape.before) ? ['first', clean.at(-1)] : ['first', 'last'],
      );
      return leaks(clean.join('\n'), shape.secret).length > 0 ? [`${shape.name}: ${clean.join('\n')}`] : [];
    });
    expect(leaking).toEqual([]);
  });

  it('holds no password of an address, whatever it is made of', () => {
    const password = fc.stringMatching(/^[A-Za-z0-9!$%^&*()@:/?#[\]+,;=_-]{6,20}$/);
    fc.assert(
      fc.property(password, (word) => {
        expect(redact(`dial postgres://zw:Q${word}Q@db.example/zw: refused`)).not.toContain(`Q${word}Q`);
      }),
    );
  });

  it('is the same when it is looked at again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...shapes.map(whole).filter(isOfLines), ...prose, ' ', '\n', '"', '=')),
        (parts) => {
          const once = redact(parts.join(''));
          expect(once.split('\n').length).toBe(parts.join('').split('\n').length);
          expect(redact(once).length).toBeLessThanOrEqual(once.length);
        },
      ),
    );
  });

  it("takes a later command's options for no option of the first", () => {
    expect(redact('htpasswd -cb x zw s3cret -in y')).toBe('htpasswd -cb x zw *** -in y');
  });

  it.each(prose)('keeps %j', (text) => {
    expect(redact(text)).toBe(text);
    expect(redactLines(['a', text, 'b'])).toEqual(['a', text, 'b']);
  });

  it('keeps what tells where and what, and takes the secret alone', () => {
    expect(redact('cannot connect to postgres://zw:s3cret@db:5432/zw: refused')).toBe(
      'cannot connect to postgres://***@db:5432/zw: refused',
    );
    expect(redact('level=INFO db_password=s3cret port=8080')).toBe('level=INFO db_password=*** port=8080');
    expect(redact('{"password": "s3cret", "host": "db"}')).toBe('{"password": ***, "host": "db"}');
    expect(redact('a\n-----BEGIN PRIVATE KEY-----\nx\ny\n-----END PRIVATE KEY-----\nb')).toBe('a\n***\n\n\n\nb');
  });

  it('shows no terminal codes nor characters that are not seen', () => {
    expect(redact('\u001b[2Ja\u001b]0;title\u0007b\u202ec\u200bd\u0000e\u009b31mf\rg\th\ni')).toBe('abcdefg\th\ni');
  });

  it('loses also what is known to be secret, whatever it looks like, and however it is split', () => {
    const known = ['hush hush', 'x'];
    expect(redact('say hush hush, hush hu\u200bsh twice', known.slice(0, 1))).toBe('say ***, *** twice');
    expect(redact('a\u001b[1mhush\u001b[0m hush', known.slice(0, 1))).toBe('a***');
    expect(redact('plain', ['', 'plainer'])).toBe('plain');
  });

  it.each([
    'xoxb-123-abc',
    'see xapp-1-def',
    'redis://bo:pw@host:1',
    '-----BEGIN OPENSSH PRIVATE KEY----- x',
    'xo\u200bxb-12345-abc',
    'the known one',
  ])('is told from one that certainly holds a secret: %j', (text) => {
    expect(holdsSecret(text, ['known one'])).toBe(true);
    expect(redact(text, ['known one'])).not.toBe(text);
  });

  it.each([
    'http://10.0.0.1:8080/health',
    'ssh://ops@host',
    'sk-bratislava-operator-1',
    'key-fade',
    'severity="critical"',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ana@laptop',
    'SHA256:iYvOj2zeEF71p7oHvrxq/2cpd2n4qn3mH+0zGlVVmHg',
    ...prose,
  ])('holds nothing that certainly is one: %j', (text) => {
    expect(holdsSecret(text)).toBe(false);
  });

  it('keeps public keys', () => {
    const key =
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=';
    expect(redact(`10.0.0.1 ${key}`)).toBe(`10.0.0.1 ${key}`);
    expect(redact(key.replace('ecdsa-sha2-nistp256', 'token'))).not.toContain('E2VjZHNh');
  });

  it('holds no value that stands in a line of its own beside its name', () => {
    expect(redact('- name: DB_PASSWORD\n  value: hUnt3r and more\n- name: PORT\n  value: 8080')).toBe(
      '- name: DB_PASSWORD\n  value: ***\n- name: PORT\n  value: 8080',
    );
  });

  it('is cut when it is longer than anybody reads', () => {
    expect(redact('x y '.repeat(100_000)).length).toBeLessThan(66_000);
  });
});

describe('the time that it takes', () => {
  const size = 256 * 1024;
  const fill = (part: string) => part.repeat(Math.ceil(size / part.length)).slice(0, size);
  const floods: string[] = [
    ...[
      'TOKEN',
      'TOKEN=',
      'TOKEN="',
      "TOKEN='",
      'TOKEN:',
      'TOKEN: ',
      'a=',
      '=',
      ':',
      '://',
      'a://b@',
      '@',
      'a:b@',
      '-----BEGIN ',
    ],
    ...[
      '-----BEGIN PRIVATE KEY-----',
      'Private-Lines:',
      '"',
      '\\"',
      '\\',
      ' ',
      '\t',
      '\n',
      'a\n',
      'a b ',
      '<a>',
      '<',
      '<password>',
    ],
    ...[
      '-p ',
      '-p x ',
      '-u a ',
      '-u "',
      '--password ',
      '--password x ',
      '--',
      '-',
      'mysql -p',
      'Bearer ',
      'basic a ',
      'eyJ',
      'sk-',
    ],
    ...[
      'AKIA',
      'ghp_',
      'SG.',
      '\u001b',
      '\u001b[',
      '\u001b]',
      '\u200b',
      'Aa1',
      'a/',
      'a.',
      'a-',
      '%3D',
      'password%3D',
      'password ',
    ],
    ...[
      'Authorization: ',
      'Cookie: a; ',
      'host:5432:a:b:',
      'password: |\n ',
      'KEY=a B=',
      'identified by ',
      '1.1.1-',
      'é',
      '\u{1f600}',
    ],
    ...shapes.map((shape) => `${whole(shape)} `),
    ...shapes.map((shape) => `${shape.before}${shape.secret}`),
    ...['password is ', 'name: token value:', 'VE9LRU49aFVudDNy', '%3A%2F%2F', 'token="""', 'password=Some(', '-pass '],
    ...[
      'user ',
      'user a on >b ',
      'acl setuser a ',
      'htpasswd ',
      'vault login ',
      'sqlplus a/b ',
      'Digest a=',
      'A=b\0',
      'pin:\n\n',
    ],
    ...prose.map((text) => `${text}\n`),
  ];

  it('grows with the length alone, whatever the text', () => {
    redact(fill('warm up TOKEN=x '));
    const slow = floods.flatMap((part) => {
      const text = fill(part);
      // Time of this process alone: the machine may be busy.
      const times = [0, 1, 2].map(() => {
        const from = process.cpuUsage();
        redact(text);
        return process.cpuUsage(from).user / 1000;
      });
      const best = Math.min(...times);
      return best > 50 ? [`${JSON.stringify(part.slice(0, 40))}: ${Math.round(best)} ms`] : [];
    });
    expect(slow).toEqual([]);
  });
});
