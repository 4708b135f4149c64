import { expect, it } from 'vitest';
import { redact, redactLines } from '../../src/base/redact.ts';

const pieces = [
  'PWD=/',
  'PWD=~',
  'pass: a',
  'token:"',
  "token:'",
  'token={',
  'token=[',
  'a:b@',
  '://',
  'http://a:',
  '--password ',
  '-p',
  '--token=',
  '<password>',
  'password "',
  "identified by '",
  'tokens=1',
  'sk-',
  'eyJ',
  '\\"',
  '\\\\\\"',
  '-----BEGIN ',
  '-----BEGIN RSA PRIVATE KEY',
  'Private-Lines:',
  '\x1b]',
  '\x1b[',
  '=',
  ':',
  '%3D',
  'key%3A',
  'login x password ',
  'password: \n  ',
  'password: |\n',
  'TOKEN',
  'TOKEN=',
  'PASSWORD=\\',
  'a\\n',
  'token: \t',
  '"password" : ',
  'password:\n ',
  '\npassword: |\n ',
  'Cookie: ',
  'SecretSecretSecret',
  'x.',
  '-',
  '--',
  '--a-',
  '--token\n',
  '--pass',
  "PWD='/",
  'pwd="/',
  'tokens="1',
  'OLDPWD=/',
  'password is ',
  'token to to to ',
  'name: token value:',
  '"name":"token",',
  'VE9LRU49aFVudDNy',
  'a_a_',
  '%3A%2F%2F',
  '%253A%252F%252Fa%253A',
  'password=Some(',
  'token="""',
  'token=a("',
  'password [',
  'the token is {',
  '-b {',
  '-p [',
  '-b {-b [',
  '--user=',
  'name=token,value=',
  'name=token value=[',
];
/** Of the processor, not of a clock: a machine that is busy elsewhere makes nothing slow here. */
const spentMs = () => process.cpuUsage().user / 1_000;

for (const p of pieces)
  for (const sep of ['', ' ', '\n'])
    it(JSON.stringify(p + sep), { timeout: 120000 }, () => {
      const text = (p + sep).repeat(Math.ceil(65536 / (p + sep).length)).slice(0, 65536);
      const t = spentMs();
      redact(text);
      const t1 = spentMs() - t;
      const lines = Array.from({ length: 16 }, (_, i) => text.slice(i * 4096, i * 4096 + 4096));
      const u = spentMs();
      redactLines(lines);
      const u1 = spentMs() - u;
      expect(Math.max(t1, u1)).toBeLessThan(400);
    });
