import type { Release, Service } from '../../src/upgrade/rollout/types.ts';
import { tarGz } from '../support/release-archives.ts';
import { service as someService } from '../support/rollouts.ts';
import { binaryOf, sha256 } from './trial-node.ts';

// What the model of a node and a real one have in common: builds, archives and environments, all tiny.

export const service: Service = {
  ...someService,
  traffic: {
    drain: ['/usr/local/bin/lb', 'drain', '{name}'],
    undrain: ['/usr/local/bin/lb', 'undrain', '{name}'],
    limit: 1_000,
  },
};
/** By their hashes. */
export const builds = new Map(
  ['v1.0.0', 'v1.0.1', 'v2.0.0', 'v2.1.0', 'v1.0.0-hotfix', 'v2.0.0-hotfix'].map((version) => {
    const binary = binaryOf(version);
    return [sha256(binary), { version, binary }];
  }),
);
export const hashOf = (version: string): string => sha256(binaryOf(version));
export const environments = new Map(['PORT=1\n', 'PORT=2\n', 'PORT=3\n'].map((text) => [sha256(text), text]));
export const [usualEnv = ''] = environments.keys();
export const damaged = Buffer.from('damaged');
export const envFile = service.envFile ?? '';
export const archives = new Map(
  await Promise.all(
    ['v2.0.0', 'v2.1.0'].map(async (version) => {
      const content = binaryOf(version).toString();
      return [version, await tarGz([{ name: 'build/zeitwork-operator', content }])] as const;
    }),
  ),
);

export function releaseOf(version: string): Release {
  const archive = archives.get(version) ?? damaged;
  return {
    version,
    archive: `zeitwork-operator-${version}.tar.gz`,
    archiveSha256: sha256(archive),
    binarySha256: hashOf(version),
    archiveBytes: archive.length,
    binaryBytes: binaryOf(version).length,
    signed: null,
  };
}

/** Hashes by what they are of. */
export function inNames(text: string): string {
  const names = [
    ...[...builds].map(([hash, { version }]) => [hash, version] as const),
    ...[...environments].map(([hash, content]) => [hash, content.trim()] as const),
    ...[...archives].map(([version, content]) => [sha256(content), `archive of ${version}`] as const),
    [sha256(damaged), 'damaged'] as const,
  ];
  return names.reduce((said, [hash, name]) => said.replaceAll(hash, `<${name}>`), text);
}
