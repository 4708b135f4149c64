import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { second } from '../../src/base/duration.ts';
import type { Building, BuildPlace, Sight } from '../../src/building/index.ts';
import { buildingWorld } from '../support/building.ts';
import { testKey } from '../support/signing.ts';
import { binary, makefile } from '../support/source.ts';

const dir = mkdtempSync(join(tmpdir(), 'zw-building-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const never = new AbortController().signal;
const version = 'v2.0.0';
const build = { version, number: 1 };
const world = (how: Partial<Building> = {}, logMost?: number) => buildingWorld(dir, how, logMost);

async function ended(place: BuildPlace, number = 1): Promise<Extract<Sight, { is: 'ended' }>> {
  for (;;) {
    const sight = await place.look({ version, number }, 0, never);
    if (sight.is === 'ended') return sight;
    expect(sight.is).toBe('running');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function built(place: BuildPlace): Promise<Extract<Sight, { is: 'ended' }>> {
  await place.start(build, await place.resolve(version, never), never);
  return ended(place);
}

describe('a build on this machine', () => {
  it('is of the commit of the tag, and says its version', async () => {
    const { source, place, folder, left } = await world();
    const commit = source.release(version);
    source.release('v2.1.0');
    const on = place();
    const found = await on.resolve(version, never);
    expect(found).toMatchObject({ commit, signedBy: null });
    expect(found.tag).not.toBe(commit);
    await on.start(build, found, never);
    const sight = await ended(on);
    expect(sight).toMatchObject({ wrong: null, left: 0 });
    expect(sight.text.toString()).toContain('compiling');
    const to = join(folder, 'taken');
    const { logSha256, tools } = await on.take(build, to, never);
    expect(readFileSync(to, 'utf8')).toContain(`echo ${version}`);
    expect(logSha256).toBe(createHash('sha256').update(sight.text).digest('hex'));
    expect(tools.some((line) => line.startsWith('GNU Make'))).toBe(true);
    await on.end(build, never);
    expect(left()).toEqual([]);
  });

  it('is started once, however often it is asked to, and by whom', async () => {
    const { source, place, own } = await world();
    source.release(version, {
      Makefile: makefile('echo run >> $(CURDIR)/../../runs', 'mkdir -p build', `cp Makefile ${binary}`),
    });
    const found = await place().resolve(version, never);
    await Promise.all([1, 2, 3].map(() => place().start(build, found, never)));
    await ended(place());
    await place().start(build, found, never);
    await ended(place());
    expect(readFileSync(join(own, 'runs'), 'utf8')).toBe('run\n');
  });

  it('that hangs is ended, with all that it started', async () => {
    const { source, place, left } = await world({ limit: 2 * second });
    source.release(version, { Makefile: makefile('@echo begun', 'setsid sleep 1000 & sleep 1000') });
    expect(await built(place())).toMatchObject({ wrong: expect.stringContaining('not over after 2 s') });
    expect(left()).toEqual([]);
  });

  it('that leaves a process behind is over without it', async () => {
    const { source, place, left } = await world();
    source.release(version, {
      Makefile: makefile(
        '(trap "" TERM HUP PIPE; setsid sh -c "while :; do sleep 1; done") & mkdir -p build',
        `cp Makefile ${binary}`,
      ),
    });
    const sight = await built(place());
    expect(sight.wrong).toBe(null);
    expect(sight.left).toBeGreaterThan(0);
    expect(left()).toEqual([]);
  });

  it('that writes without end fills no disk', async () => {
    const most = 1024 * 1024;
    const { source, place, own, left } = await world({}, most);
    source.release(version, { Makefile: makefile('yes compiling | head -c 52428800') });
    expect(await built(place())).toMatchObject({
      wrong: expect.stringContaining('its log grew beyond 1 MB'),
      size: most,
    });
    const [log = ''] = readdirSync(join(own, 'logs'));
    expect(statSync(join(own, 'logs', log)).size).toBe(most);
    expect(left()).toEqual([]);
  });

  it('that fails says with what', async () => {
    const { source, place } = await world();
    source.release(version, { Makefile: makefile('@echo "no such header"; exit 3') });
    const sight = await built(place());
    expect(sight.wrong).toBe('make build ended with 2');
    expect(sight.text.toString()).toContain('no such header');
  });

  it('that wants more memory than it may have does not get it', async () => {
    const { source, place } = await world({ memory: 64 * 1024 ** 2 });
    source.release(version, { Makefile: makefile('head -c 600000000 /dev/zero | tail -c 500000000 >/dev/null') });
    const sight = await built(place());
    expect(sight.wrong).toBe('make build ended with 2');
    expect(sight.text.toString()).toMatch(/memory exhausted/);
  });

  it('gets nothing of the environment, and an empty home', async () => {
    process.env.ZW_TEST_SECRET = 'hunter2';
    const { source, place } = await world();
    source.release(version, { Makefile: makefile('@env; ls -A $$HOME; mkdir -p build', `cp Makefile ${binary}`) });
    const sight = await built(place());
    delete process.env.ZW_TEST_SECRET;
    expect(sight.wrong).toBe(null);
    expect(sight.text.toString()).toContain('SOURCE_DATE_EPOCH=');
    expect(sight.text.toString()).not.toContain('hunter2');
  });

  it('begins in a fresh export: nothing of an earlier one is there', async () => {
    const { source, place } = await world();
    source.release(version, { Makefile: makefile('test ! -e build', 'mkdir -p build', `cp Makefile ${binary}`) });
    for (const number of [1, 2]) {
      await place().start({ version, number }, await place().resolve(version, never), never);
      expect(await ended(place(), number)).toMatchObject({ wrong: null });
    }
  });

  it('is refused by a machine that let in a newer one, and ends an older one', async () => {
    const { source, place, left } = await world();
    source.release(version, { Makefile: makefile('sleep 1000') });
    const found = await place().resolve(version, never);
    await place().start(build, found, never);
    expect(left()).not.toEqual([]);
    const old = left();
    await place().start({ version, number: 2 }, found, never);
    expect(left().some((pid) => old.includes(pid))).toBe(false);
    await expect(place().start(build, found, never)).rejects.toThrow('A newer build was let in');
    await place().end({ version, number: 2 }, never);
    expect(left()).toEqual([]);
  });

  it('gives away no file that a link leads to', async () => {
    const { source, place, folder } = await world();
    writeFileSync(join(folder, 'secret'), 'hunter2');
    source.release(version, { Makefile: makefile('mkdir -p build', `ln -s ${folder}/secret ${binary}`) });
    await built(place());
    await expect(place().take(build, join(folder, 'taken'), never)).rejects.toThrow('or a link in its place');
    const beside = await world();
    symlinkSync(folder, join(beside.folder, 'elsewhere'));
    beside.source.release(version, {
      Makefile: makefile(`mkdir -p ${folder}/z; touch ${folder}/z/zeitwork-operator`, `ln -s ${folder}/z build`),
    });
    await built(beside.place());
    await expect(beside.place().take(build, join(folder, 'taken'), never)).rejects.toThrow('or a link in its place');
  });

  it('of another version, or of a binary that hangs when it is asked, is refused', async () => {
    for (const [says, why] of [
      ['echo v2.0.9', 'says v2.0.9, expected v2.0.0'],
      ['sleep 1000', 'did not say its version within 5 s'],
      ['(setsid sleep 1000 &); echo v2.0.9', 'says v2.0.9'],
    ] as const) {
      const { source, place, folder, left } = await world();
      source.release(version, {
        Makefile: makefile('mkdir -p build', `printf '#!/bin/sh\\n${says}\\n' > ${binary}`, `chmod +x ${binary}`),
      });
      await built(place());
      await expect(place().take(build, join(folder, 'taken'), never)).rejects.toThrow(why);
      expect(left()).toEqual([]);
    }
  });
});

describe('a tag', () => {
  it('that moved is fetched as it is now, and one that is gone is not found', async () => {
    const { source, place } = await world();
    const before = source.release(version);
    expect((await place().resolve(version, never)).commit).toBe(before);
    const after = source.release(version, { more: 'of it' });
    expect(after).not.toBe(before);
    expect((await place().resolve(version, never)).commit).toBe(after);
    source.git('tag', '-d', version);
    await expect(place().resolve(version, never)).rejects.toThrow('There is no such tag');
  });

  it('is not a branch of the same name', async () => {
    const { source, place } = await world();
    source.release('v1.0.0');
    source.git('branch', version);
    await expect(place().resolve(version, never)).rejects.toThrow('There is no such tag');
  });

  it('must be signed by one of those that the settings name, where they name some', async () => {
    const [ana, mallory] = [testKey(), testKey()];
    const { source, place } = await world({ signedBy: [{ name: 'ana', keys: [ana.public] }] });
    source.release(version, {}, { signedWith: ana.file });
    expect((await place().resolve(version, never)).signedBy).toBe('ana');
    source.release(version, {}, { signedWith: mallory.file });
    await expect(place().resolve(version, never)).rejects.toThrow('not one of those that count here (ana)');
    source.release(version);
    await expect(place().resolve(version, never)).rejects.toThrow('bears no SSH signature');
    source.release(version, {}, { lightweight: true });
    await expect(place().resolve(version, never)).rejects.toThrow('bears no SSH signature');
  });

  it('that was signed for an older version is none of this one', async () => {
    const ana = testKey();
    const { source, place } = await world({ signedBy: [{ name: 'ana', keys: [ana.public] }] });
    source.release('v1.0.0', {}, { signedWith: ana.file });
    source.git('update-ref', `refs/tags/${version}`, 'refs/tags/v1.0.0');
    await expect(place().resolve(version, never)).rejects.toThrow('says of itself that it is "v1.0.0"');
  });

  it('whose repository cannot be reached is told with what git says', async () => {
    const { place, source } = await world();
    rmSync(source.url, { recursive: true });
    await expect(place().resolve(version, never)).rejects.toThrow(/could not be fetched from: .*does not/s);
  });
});

const canCutOff = ['unshare -n', 'unshare -c -n', 'unshare -r -n'].some((each) => {
  try {
    execFileSync('sh', ['-c', `${each} true`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
if (!canCutOff) console.log('not run: this machine can cut no process off its network (unshare -n)');
it.runIf(canCutOff)('a build has no network unless the settings give it one', async () => {
  for (const [network, code] of [
    [false, 'only lo'],
    [true, null],
  ] as const) {
    const { source, place } = await world({ network });
    source.release(version, {
      Makefile: makefile(
        '@test "$$(ls /sys/class/net)" != "" ; cat /proc/net/dev | grep -c : ; mkdir -p build',
        `cp Makefile ${binary}`,
      ),
    });
    const sight = await built(place());
    expect(sight.wrong).toBe(null);
    if (code !== null) expect(sight.text.toString()).toMatch(/^1$/m);
  }
});
