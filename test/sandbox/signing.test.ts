import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { settingsOf } from '../../sandbox/settings.ts';
import { signReleases } from '../../sandbox/signing.ts';
import { loadSettings } from '../../src/config/index.ts';
import { openReleases } from '../../src/releases/index.ts';
import { fleetOfTrial } from './fleet-support.ts';

const trial = fleetOfTrial({ regions: ['us-east'], nodesPerRegion: 3 });

it('the sandbox signs every release of its own, and takes none that is not signed as it is', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sandbox-state-'));
  try {
    const signer = await signReleases(trial.fleet, stateDir);
    expect(statSync(join(stateDir, 'release-key')).mode & 0o777).toBe(0o600);
    const file = join(stateDir, 'zeitwork.yaml');
    writeFileSync(file, stringify(settingsOf(trial.fleet, 'guide', { stateDir, signer, keys: {} })), { mode: 0o600 });
    const env = { SLACK_BOT_TOKEN: 'xoxb-1-a', SLACK_APP_TOKEN: 'xapp-1-a' };
    const { releases: own, fleet } = loadSettings(file, env);
    expect(own).toMatchObject({ unsigned: 'refused' });

    const releases = openReleases(own, fleet.service, stateDir);
    const versions = trial.fleet.archives.map((archive) => /-(v.+)\.tar\.gz$/.exec(archive)?.[1] ?? archive);
    expect(versions).toContain('v2.0.0');
    // That one is there to be refused, for another reason.
    for (const version of versions.filter((each) => !each.endsWith('bad-checksum')))
      expect(await releases.resolve(version)).toMatchObject({ version, signed: { by: 'sandbox' } });

    const [one = ''] = trial.fleet.archives;
    appendFileSync(join(trial.fleet.releasesDirectory, one), 'more');
    await expect(openReleases(own, fleet.service, stateDir).resolve(versions[0] ?? '')).rejects.toThrow();
    const [, two = ''] = trial.fleet.archives;
    rmSync(join(trial.fleet.releasesDirectory, `${two}.sig`));
    await expect(openReleases(own, fleet.service, stateDir).resolve(versions[1] ?? '')).rejects.toThrow(/sign/);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});
