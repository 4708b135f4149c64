import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from '../../../src/upgrade/steps/redact.ts';

describe('redact', () => {
  it.each([
    ['DATABASE_URL=postgres://zw:s3cret@db/zw', 's3cret'],
    ['cannot connect to postgres://zw:s3cret-node@db:5432/zw?sslmode=require', 's3cret'],
    ['postgres://zw:s3cret@with@at@db/zw failed', 's3cret'],
    ['mysql://root:a/s3cret@db', 's3cret'],
    ['PASSWORD="two s3cret words"', 's3cret'],
    ["export API_TOKEN='s3cret value'", 's3cret'],
    ['{"password": "s3cret", "user": "zw"}', 's3cret'],
    ['db_password: s3cret', 's3cret'],
    ['api_key: s3cret', 's3cret'],
    ['KEY=s3cret', 's3cret'],
    ['https://x.example/cb?token=s3cret&user=1', 's3cret'],
    ['Authorization: Bearer s3cret.abc-def', 's3cret'],
    ['authorization=Basic czNjcmV0', 'czNjcmV0'],
    ['slack xoxb-12-s3cret-x said no', 's3cret'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\ns3cret\n-----END OPENSSH PRIVATE KEY-----', 's3cret'],
    ['-----BEGIN RSA PRIVATE KEY-----\ns3cret', 's3cret'],
    ['AWS_SECRET_ACCESS_KEY=s3cret/abc', 's3cret'],
    ['sha pscale_pw_s3cret', 's3cret'],
  ])('hides the secret in %j', (text, secret) => {
    expect(redact(text)).not.toContain(secret);
  });

  it.each([
    'level=FATAL msg="migration lock table missing, cannot start"',
    'health stays 503 starting for 60 s',
    'no backup at /var/lib/zeitwork-upgrades/backups/v1.0.0-dbdfaabb6e05-28222d5b',
    'listening on :8080',
    'sudo asks for a password; give this user NOPASSWD in /etc/sudoers.d on the node',
    'ssh: the host key: it changed',
    'mail to ops@example.org',
  ])('leaves %j alone', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('hides every password of a URL, whatever it is made of', () => {
    const password = fc.stringMatching(/^[A-Za-z0-9!$%^&*()@:/?#[\]+,;=_-]{6,20}$/);
    fc.assert(
      fc.property(password, (word) => {
        expect(redact(`dial postgres://zw:Q${word}Q@db.example/zw: refused`)).not.toContain(`Q${word}Q`);
      }),
    );
  });
});
