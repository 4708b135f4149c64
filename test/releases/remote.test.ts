import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refused } from '../../src/base/errors.ts';
import { openReleases, type Releases } from '../../src/releases/index.ts';
import { goodEntries, sha256, tarGz } from '../support/release-archives.ts';
import { type ReleaseServer, startReleaseServer } from '../support/release-server.ts';
import { service as operator } from '../support/rollouts.ts';

const file = '/v2.0.0/zeitwork-operator-v2.0.0.tar.gz';
const limits = { maxBytes: 100_000, timeoutMs: 5_000 };
let cache: string;
let server: ReleaseServer;
let good: Buffer;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'release-cache-'));
  server = await startReleaseServer();
  good = await tarGz(goodEntries);
});

afterEach(async () => {
  await server.close();
  await rm(cache, { recursive: true });
});

const at = (url: string, own = limits) => openReleases({ url, signers: [], unsigned: 'allowed' }, operator, cache, own);

function open(own = limits): Releases {
  return at(`${server.url}/{version}/zeitwork-operator-{version}.tar.gz`, own);
}

function publish(content: Buffer, hash = sha256(content)): void {
  server.answers.set(file, content);
  server.answers.set(`${file}.sha256`, `${hash}  zeitwork-operator-v2.0.0.tar.gz\n`);
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it was accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refused);
  return error instanceof Error ? error.message.replaceAll(server.url, 'http://server') : '';
}

describe('a release behind a URL', () => {
  it('is fetched once and kept by its hash', async () => {
    publish(good);
    const release = await open().resolve('v2.0.0');
    const path = await open().archivePath(release);
    expect(path).toBe(join(cache, sha256(good), 'zeitwork-operator.tar.gz'));
    expect(await readFile(path)).toEqual(good);
    expect(server.asked).toEqual([`GET ${file}.sha256`, `GET ${file}`]);
    expect(await readdir(cache)).toEqual([sha256(good)]);
  });

  it('is taken from the copy while the server is away', async () => {
    publish(good);
    const releases = open();
    const release = await releases.resolve('v2.0.0');
    server.answers.clear();
    expect(await readFile(await releases.archivePath(release))).toEqual(good);
  });

  it('is fetched by a machine that has no copy yet', async () => {
    publish(good);
    const release = await open().resolve('v2.0.0');
    await rm(join(cache, sha256(good)), { recursive: true });
    expect(await readFile(await open().archivePath(release))).toEqual(good);
  });

  it('is refused on such a machine when it was published again', async () => {
    publish(good);
    const release = await open().resolve('v2.0.0');
    await rm(join(cache, sha256(good)), { recursive: true });
    publish(await tarGz([{ name: 'build/zeitwork-operator', content: 'another build' }]));
    expect(await refusal(open().archivePath(release))).toMatch(/has changed since the plan/);
  });

  it('may be redirected, and keeps its query for the checksum', async () => {
    publish(good);
    server.answers.set(`${file}?key=abc`, (response) => response.writeHead(302, { location: file }).end());
    server.answers.set(`${file}.sha256?key=abc`, `${sha256(good)}\n`);
    const url = `${server.url}/{version}/zeitwork-operator-{version}.tar.gz?key=abc`;
    const release = await at(url).resolve('v2.0.0');
    expect(release.archiveSha256).toBe(sha256(good));
  });

  it('may be the same bytes as its candidate', async () => {
    publish(good);
    const candidate = file.replaceAll('v2.0.0', 'v2.0.0-rc.1');
    server.answers.set(candidate, good);
    server.answers.set(`${candidate}.sha256`, sha256(good));
    const releases = open();
    const resolved = [await releases.resolve('v2.0.0-rc.1'), await releases.resolve('v2.0.0')];
    expect(resolved.map(({ archive }) => archive)).toEqual([
      'zeitwork-operator-v2.0.0-rc.1.tar.gz',
      'zeitwork-operator-v2.0.0.tar.gz',
    ]);
  });

  it('is named in what is wrong with its content', async () => {
    publish(await tarGz([]));
    expect(await refusal(open().resolve('v2.0.0'))).toMatch(/^zeitwork-operator-v2\.0\.0\.tar\.gz does not hold/);
  });

  it('is fetched again when its copy was damaged', async () => {
    publish(good);
    const release = await open().resolve('v2.0.0');
    const copy = await open().archivePath(release);
    await writeFile(copy, 'damaged');
    expect(await readFile(await open().archivePath(release))).toEqual(good);
    expect(await open().resolve('v2.0.0')).toEqual(release);
  });

  it('clears away what a killed process left, but not what another one is fetching', async () => {
    await mkdir(join(cache, 'fetch-dead'));
    await mkdir(join(cache, 'fetch-live'));
    await utimes(join(cache, 'fetch-dead'), 1_700_000_000, 1_700_000_000);
    publish(good);
    await open().resolve('v2.0.0');
    expect((await readdir(cache)).toSorted()).toEqual([sha256(good), 'fetch-live'].toSorted());
  });

  it('cannot be listed', async () => {
    expect(await open().versions()).toEqual([]);
  });

  it('is fetched whole by each of many who ask at the same time', async () => {
    publish(good);
    const resolved = await Promise.all(Array.from({ length: 8 }, () => open().resolve('v2.0.0')));
    expect(new Set(resolved.map((release) => release.binarySha256)).size).toBe(1);
    expect(await readdir(cache)).toEqual([sha256(good)]);
  });
});

describe('a release behind a URL is refused, and leaves nothing behind,', () => {
  it.each<[string, () => void, string | RegExp]>([
    ['when it does not exist', () => {}, `http://server${file} does not exist; check the version`],
    [
      'when it has no checksum',
      () => server.answers.set(file, good),
      `http://server${file} has no http://server${file}.sha256 beside it; publish one made with sha256sum`,
    ],
    ['when the checksum is a web page', () => server.answers.set(`${file}.sha256`, '<html>'), /holds no SHA-256/],
    [
      'when the checksum is endless',
      () => server.answers.set(`${file}.sha256`, 'a'.repeat(70_000)),
      /larger than 65536 bytes/,
    ],
    [
      'when it does not match',
      () => publish(good, 'b'.repeat(64)),
      /does not match its \.sha256: it is [0-9a-f]{12}, published was bbbbbbbbbbbb/,
    ],
    ['when it says that it is too large', () => publish(Buffer.alloc(100_001)), /larger than 100000 bytes/],
    [
      'when it turns out too large',
      () => {
        publish(good);
        server.answers.set(file, (response) => {
          response.write(Buffer.alloc(60_000));
          response.end(Buffer.alloc(60_000));
        });
      },
      /larger than 100000 bytes/,
    ],
    [
      'when the server fails',
      () => {
        publish(good);
        server.answers.set(file, (response) => response.writeHead(503).end());
      },
      /answered 503; check releases\.url/,
    ],
    [
      'when the connection is cut in the middle',
      () => {
        publish(good);
        server.answers.set(file, (response) => {
          response.writeHead(200, { 'content-length': good.length });
          response.write(good.subarray(0, 50), () => response.destroy());
        });
      },
      /could not be fetched .*; try again/,
    ],
  ])('%s', async (_, prepare, message) => {
    prepare();
    const told = await refusal(open().resolve('v2.0.0'));
    if (typeof message === 'string') expect(told).toBe(message);
    else expect(told).toMatch(message);
    expect(await leftovers()).toEqual([]);
  });

  it('when it takes too long', async () => {
    publish(good);
    server.answers.set(file, (response) => response.write('x'));
    expect(await refusal(open({ ...limits, timeoutMs: 300 }).resolve('v2.0.0'))).toMatch(
      /could not be fetched .*timeout/,
    );
    expect(await leftovers()).toEqual([]);
  });

  it('when nobody answers', async () => {
    const releases = open();
    await server.close();
    expect(await refusal(releases.resolve('v2.0.0'))).toMatch(/could not be fetched .*ECONNREFUSED/);
  });

  it('without showing the query, which may be a secret', async () => {
    const url = `${server.url}/{version}.tar.gz?sig=topsecret`;
    const message = await refusal(at(url).resolve('v2.0.0'));
    expect(message).not.toContain('topsecret');
  });
});

async function leftovers(): Promise<string[]> {
  const files = await readdir(cache, { recursive: true, withFileTypes: true });
  return files.filter((each) => each.isFile() || each.name.startsWith('fetch-')).map((each) => each.name);
}
