import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { second } from '../../src/base/duration.ts';
import type { Building, BuildPlace, Sight } from '../../src/building/index.ts';
import { overThere } from '../../src/running/index.ts';
import { createShell } from '../../src/upgrade/ssh/index.ts';
import { buildingWorld } from '../support/building.ts';
import { binary, makefile } from '../support/source.ts';
import { type Booted, bootSystemd, whyNoSystemd } from '../support/systemd.ts';

const dir = mkdtempSync(join(tmpdir(), 'zw-units-'));
const never = new AbortController().signal;
const version = 'v2.0.0';
const build = { version, number: 1 };
const reason = whyNoSystemd();
if (reason !== null) process.stdout.write(`\nBuilds in units of a real systemd are not tried here: ${reason}.\n`);
if (!existsSync('/usr/bin/gcc')) process.stdout.write('\nNo gcc is here: nothing is compiled.\n');

describe.skipIf(reason !== null)('a build in a unit of a real systemd', () => {
  let systemd: Booted;
  beforeAll(async () => {
    systemd = await bootSystemd(dir, `zw-units-${process.pid}`);
  });
  afterAll(async () => {
    await systemd?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(() => {
    systemd.root('systemctl stop "zw-build-*" 2>/dev/null; systemctl reset-failed; rm -rf /var/lib/zeitwork-build*');
  });

  async function world(how: Partial<Building> = {}, logMost?: number) {
    const host = { name: 'build-1', address: '', port: 22, user: 'root', keyFile: '', knownHostsFile: '' };
    const made = await buildingWorld(dir, { host, network: false, ...how }, logMost);
    return { ...made, on: made.place(systemd.machine) };
  }
  const units = (): string[] =>
    systemd.root('systemctl list-units --all --plain --no-legend "zw-build-*"').split('\n').filter(Boolean);
  /** Processes of any user that exists for a unit only. */
  const strangers = (): string[] =>
    systemd
      .root('ps -e -o uid=,args=')
      .split('\n')
      .filter((line) => Number.parseInt(line, 10) > 60_000 && Number.parseInt(line, 10) < 65_000);

  async function ended(on: BuildPlace, named = build): Promise<Extract<Sight, { is: 'ended' }>> {
    for (;;) {
      const sight = await on.look(named, 0, never);
      if (sight.is === 'ended') return sight;
      expect(sight.is).toBe('running');
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  async function built(on: BuildPlace): Promise<Extract<Sight, { is: 'ended' }>> {
    await on.start(build, await on.resolve(version, never), never);
    return ended(on);
  }

  it('makes the binary, and leaves no unit, no process and no folder', async () => {
    const { source, on, folder, fleet } = await world();
    source.release(version);
    expect(await built(on)).toMatchObject({ wrong: null, left: 0 });
    const to = join(folder, 'taken');
    await on.take(build, to, never);
    expect(readFileSync(to, 'utf8')).toContain(`echo ${version}`);
    await on.end(build, never);
    expect(units()).toEqual([]);
    expect(strangers()).toEqual([]);
    expect(systemd.root('ls /var/lib/private')).not.toContain(fleet);
  });

  it.skipIf(!existsSync('/usr/bin/gcc'))('compiles a real program with the real compiler', async () => {
    const { source, on, folder } = await world();
    source.release(version, {
      'main.c': '#include <stdio.h>\nint main(void) { puts("v2.0.0"); return 0; }\n',
      Makefile: makefile('mkdir -p build', `gcc -O2 -static -o ${binary} main.c`),
    });
    const sight = await built(on);
    expect([sight.wrong, sight.text.toString()]).toEqual([null, expect.any(String)]);
    const { tools } = await on.take(build, join(folder, 'taken'), never);
    expect(tools.some((line) => /^gcc /.test(line))).toBe(true);
    expect(readFileSync(join(folder, 'taken')).subarray(1, 4).toString()).toBe('ELF');
  });

  it('goes over SSH as it does here: its log, its binary and its end', async () => {
    const shell = createShell({ 'build-1': await systemd.ssh() });
    try {
      const { source, folder, fleet, building, place } = await world();
      const over = overThere(shell, 'build-1');
      // This root needs no sudo.
      const on = place({ ...over, run: (command, signal) => over.run({ ...command, sudo: false }, signal) });
      expect(building.host?.name).toBe('build-1');
      source.release(version, {
        Makefile: makefile(
          'seq 1 20000',
          'mkdir -p build',
          `(printf '#!/bin/sh\\necho ${version}\\nexit\\n'; head -c 9000000 /dev/urandom) > ${binary}`,
          `chmod +x ${binary}`,
        ),
      });
      const found = await on.resolve(version, never);
      await on.start(build, found, never);
      const { size } = await ended(on);
      const looked: Buffer[] = [];
      for (let from = 0; from < size; from += looked.at(-1)?.length ?? size)
        looked.push((await on.look(build, from, never)).text);
      expect(Buffer.concat(looked).toString()).toContain(
        `${Array.from({ length: 20_000 }, (_, at) => at + 1).join('\n')}\n`,
      );
      const to = join(folder, 'taken');
      await on.take(build, to, never);
      const there = systemd.root(`sha256sum /var/lib/private/zeitwork-build-${fleet}/src/${binary}`).split(' ')[0];
      expect(createHash('sha256').update(readFileSync(to)).digest('hex')).toBe(there);
      await on.end(build, never);
      expect(units()).toEqual([]);
    } finally {
      await shell.close();
    }
  });

  it('is nobody, sees no network, and can write nowhere else', async () => {
    const { source, on, folder } = await world();
    writeFileSync(join(folder, 'secret'), 'hunter2', { mode: 0o600 });
    source.release(version, {
      Makefile: makefile(
        '@echo uid $$(id -u)',
        '@echo net $$(grep -c : /proc/net/dev)',
        `@if cat ${folder}/secret; then exit 9; fi`,
        `@for each in /etc/x /usr/x /var/x ${folder}/x /var/lib/x; do if (echo > $$each) 2>/dev/null; then exit 9; fi; done`,
        'mkdir -p build',
        `cp Makefile ${binary}`,
      ),
    });
    const sight = await built(on);
    expect([sight.wrong, sight.text.toString()]).toEqual([null, expect.stringMatching(/^uid 6[0-9]{4}\nnet 1$/m)]);
    expect(sight.text.toString()).not.toContain('hunter2');
  });

  it('is started once, and found by whoever looks later', async () => {
    const { source, on } = await world();
    source.release(version, { Makefile: makefile('@echo run', 'sleep 1', 'mkdir -p build', `cp Makefile ${binary}`) });
    const found = await on.resolve(version, never);
    await Promise.all([1, 2, 3].map(() => on.start(build, found, never)));
    expect(units()).toHaveLength(1);
    const sight = await ended(on);
    await on.start(build, found, never);
    expect((await ended(on)).text.toString().match(/^run$/gm)).toHaveLength(1);
    expect(sight.wrong).toBe(null);
    expect(units()).toEqual([]);
  });

  it.each([
    ['hangs', makefile('sleep 1000'), /not over after 2 s/],
    [
      'hangs, and heeds no signal',
      makefile('trap "" TERM INT HUP; setsid sh -c \'trap "" TERM; sleep 1000\' & sleep 1000'),
      /not over after 2 s/,
    ],
    ['fails', makefile('exit 3'), /make build ended with 2/],
    ['writes without end', makefile('yes compiling | head -c 52428800'), /its log grew beyond 1 MB/],
  ])('that %s ends with its reason, and nothing is left', async (_what, recipe, why) => {
    const { source, on } = await world({ limit: 2 * second, memory: 512 * 1024 ** 2 }, 1024 ** 2);
    source.release(version, { Makefile: recipe });
    expect((await built(on)).wrong).toMatch(why);
    expect(units()).toEqual([]);
    expect(strangers()).toEqual([]);
  });

  it('that leaves a process behind is over without it', async () => {
    const { source, on } = await world();
    source.release(version, {
      Makefile: makefile(
        '(trap "" TERM HUP PIPE; setsid env -i sh -c "while :; do sleep 1; done") & mkdir -p build',
        `cp Makefile ${binary}`,
      ),
    });
    const sight = await built(on);
    expect(sight.wrong).toBe(null);
    expect(sight.left).toBeGreaterThan(0);
    expect(strangers()).toEqual([]);
  });

  it('that was cut off is told as that, and not begun anew', async () => {
    const { source, on } = await world();
    source.release(version, { Makefile: makefile('sleep 1000') });
    const found = await on.resolve(version, never);
    await on.start(build, found, never);
    systemd.root('systemctl kill -s KILL "zw-build-*"; systemctl stop "zw-build-*"; systemctl reset-failed');
    await on.start(build, found, never);
    expect((await ended(on)).wrong).toMatch(/cut off|killed/);
    expect(units()).toEqual([]);
  });

  it('that systemd cannot begin says why, and is not begun anew', async () => {
    const { source, on } = await world({ memory: Number.NaN });
    source.release(version);
    const sight = await built(on);
    expect(sight.wrong).toContain('systemd did not begin it');
    expect(sight.text.toString()).toMatch(/MemoryMax/);
    expect(units()).toEqual([]);
  });

  it('ends an older one that still runs', async () => {
    const { source, on } = await world();
    source.release(version, { Makefile: makefile('sleep 1000') });
    const found = await on.resolve(version, never);
    await on.start(build, found, never);
    await on.start({ version, number: 2 }, found, never);
    expect(units()).toEqual([expect.stringContaining(`-${version}-2.service`)]);
    await expect(on.start(build, found, never)).rejects.toThrow('A newer build was let in');
    await on.end({ version, number: 2 }, never);
    expect(units()).toEqual([]);
    expect(strangers()).toEqual([]);
  });

  it('gives away no file that a link leads to, and asks a binary that hangs for five seconds', async () => {
    const { source, on, folder } = await world();
    source.release(version, { Makefile: makefile('mkdir -p build', `ln -s /etc/shadow ${binary}`) });
    await built(on);
    await expect(on.take(build, join(folder, 'taken'), never)).rejects.toThrow('or a link in its place');
    const beside = await world();
    beside.source.release(version, {
      Makefile: makefile('mkdir -p build', `printf '#!/bin/sh\\nsleep 1000\\n' > ${binary}`, `chmod +x ${binary}`),
    });
    await built(beside.on);
    await expect(beside.on.take(build, join(folder, 'other'), never)).rejects.toThrow(
      'did not say its version within 5 s',
    );
    expect(strangers()).toEqual([]);
  });
});
