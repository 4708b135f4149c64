import { redact } from '../base/redact.ts';
import type { Source } from '../upgrade/ledger/types.ts';
import type { Building } from './types.ts';

/** What is known of how a release came to be. */
export interface Origin {
  fleet: string;
  /** The machine, in words. */
  on: string;
  version: string;
  number: number;
  source: Source;
  build: Building;
  archive: { name: string; sha256: string };
  binary: { name: string; sha256: string };
  logSha256: string;
  tools: string[];
  /** Epoch ms. */
  began: number;
  ended: number;
}

/** A statement of in-toto in SLSA's words (v1), for whoever wants to know from what a release was made. */
export function provenance(origin: Origin): string {
  const { fleet, on, version, number, source, build, archive, binary, logSha256, tools, began, ended } = origin;
  const repository = redact(build.repository);
  const digest = ({ name, sha256 }: Origin['archive']) => ({ name, digest: { sha256 } });
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [digest(archive), digest(binary)],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:zeitwork-upgrades:build:v1',
        externalParameters: { repository, ref: `refs/tags/${version}`, command: build.command },
        internalParameters: {
          network: build.network,
          limitSeconds: build.limit / 1_000,
          memoryBytes: build.memory,
          tag: source.tag,
          signedBy: source.signedBy,
          tools,
        },
        resolvedDependencies: [{ uri: `git+${repository}@refs/tags/${version}`, digest: { gitCommit: source.commit } }],
      },
      runDetails: {
        builder: { id: `urn:zeitwork-upgrades:${fleet}:${on.replaceAll(' ', '-')}` },
        metadata: {
          invocationId: `zw-build-${fleet}-${version}-${number}`,
          startedOn: new Date(began).toISOString(),
          finishedOn: new Date(ended).toISOString(),
        },
        byproducts: [{ name: 'log', digest: { sha256: logSha256 } }],
      },
    },
  };
  return `${JSON.stringify(statement, null, 2)}\n`;
}
