import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { rewriter, rewriting } from '../../sandbox/fleet/rewrite.ts';

const { inwards, outwards, path } = rewriter('/T', () => ['/S']);

describe('what a command means by a path', () => {
  it.each([
    [
      "sh -s -- 'binary=/usr/local/bin/x' '/etc/zeitwork/operator.env'",
      "sh -s -- 'binary=/T/usr/local/bin/x' '/T/etc/zeitwork/operator.env'",
    ],
    ['state=/var/lib/zeitwork-upgrades', 'state=/T/var/lib/zeitwork-upgrades'],
    ['cat "/proc/$pid/exe" >/tmp/x', 'cat "/T/proc/$pid/exe" >/T/tmp/x'],
    ['cd /home/ops; ls /run', 'cd /T/home/ops; ls /T/run'],
    // only the beginning of a path, and only whole names
    [
      'cat /srv/tmp/x ./tmp /tmpfile /var/tmp /etc/zeitwork.d $x/proc',
      'cat /srv/tmp/x ./tmp /tmpfile /var/tmp /etc/zeitwork.d $x/proc',
    ],
    ['env -i PATH=/usr/bin:/bin sh', 'env -i TMPDIR=/T/tmp PATH=/S:/usr/bin:/bin sh'],
    ["env 'PATH=/bin'", "env 'TMPDIR=/T/tmp' 'PATH=/S:/bin'"],
    ['PATH=$PATH:/sbin MYPATH=/x', 'PATH=$PATH:/sbin MYPATH=/x'],
  ])('%s', (meant, here) => {
    expect(inwards(meant)).toBe(here);
    if (!meant.includes('PATH')) expect(outwards(inwards(meant))).toBe(meant);
  });

  it('is found from the login directory when it is relative', () => {
    expect(path('in/a')).toBe('/T/home/ops/in/a');
    expect(path('/tmp')).toBe('/T/tmp');
  });
});

describe('a rewritten stream', () => {
  const through = async (chunks: Buffer[], rewrite: (text: string) => string) =>
    Buffer.concat(await Readable.from(chunks).pipe(rewriting(rewrite)).toArray());

  it('finds a path that was cut in two on its way', async () => {
    expect(
      (
        await through([Buffer.from('ls /et'), Buffer.from('c/zeitwork\ncat /tm'), Buffer.from('p')], inwards)
      ).toString(),
    ).toBe('ls /T/etc/zeitwork\ncat /T/tmp');
  });

  it('leaves bytes alone that are no text', async () => {
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 7) % 256));
    expect(await through([bytes.subarray(0, 333), bytes.subarray(333)], outwards)).toEqual(bytes);
  });
});
