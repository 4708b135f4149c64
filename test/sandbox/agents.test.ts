import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { settingsOf } from '../../sandbox/settings.ts';
import { signReleases } from '../../sandbox/signing.ts';
import { loadSettings } from '../../src/config/index.ts';
import { createCompatible } from '../../src/jobs/index.ts';
import { createInventory } from '../../src/upgrade/http/index.ts';
import { fleetOfTrial } from './fleet-support.ts';

const trial = fleetOfTrial({ regions: ['us-east'], nodesPerRegion: 3 });

it('an old agent in the sandbox keeps v2.0.0 from beginning, until it is upgraded', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sandbox-state-'));
  try {
    const signer = await signReleases(trial.fleet, stateDir);
    const file = join(stateDir, 'zeitwork.yaml');
    writeFileSync(file, stringify(settingsOf(trial.fleet, 'guide', { stateDir, signer, keys: {} })), { mode: 0o600 });
    const { fleet, inventory } = loadSettings(file, { SLACK_BOT_TOKEN: 'xoxb-1-a', SLACK_APP_TOKEN: 'xapp-1-a' });
    const ask = createCompatible(fleet.compatibility, createInventory(inventory));
    const nodes = trial.fleet.nodes.map(({ name }) => name);
    const before = Object.fromEntries(nodes.map((name) => [name, 'v1.0.0']));
    const said = () => ask({ region: 'us-east', nodes, release: { version: 'v2.0.0' }, before });
    expect(await said()).toEqual({ is: 'compatible' });
    await trial.fleet.source.inject('us-east-op-2', 'old-agent');
    expect(await said()).toEqual({
      is: 'refused',
      reasons: ['v2.0.0 needs agents from v1.1.x; us-east-op-2 runs v1.0.4: upgrade its agent first'],
    });
    await trial.fleet.source.inject('us-east-op-2', 'heal');
    expect(await said()).toEqual({ is: 'compatible' });
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});
