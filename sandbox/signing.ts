import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sign } from '../src/trust/index.ts';
import type { SimulatedFleet } from './fleet/fleet.ts';
import { freshKeyPair } from './fleet/keys.ts';

/** Signs every archive of the fleet as docs/releases.md says, with a key that is thrown away at the end; gives its public line. */
export async function signReleases({ releasesDirectory, archives }: SimulatedFleet, stateDir: string): Promise<string> {
  const pair = freshKeyPair();
  const keyFile = join(stateDir, 'release-key');
  await writeFile(keyFile, pair.private, { mode: 0o600 });
  const signed = archives.map(async (archive) => {
    const path = join(releasesDirectory, archive);
    await writeFile(`${path}.sig`, await sign(path, keyFile, 'zeitwork-release'));
  });
  await Promise.all(signed);
  return pair.public;
}
