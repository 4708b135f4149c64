import type { Service } from '../../src/upgrade/rollout/types.ts';

export const operator: Service = {
  name: 'zeitwork-operator',
  unit: 'zeitwork-operator',
  binary: '/usr/local/bin/zeitwork-operator',
  owner: 'root:root',
  mode: '0755',
  envFile: '/etc/zeitwork/operator.env',
  versionArgs: ['--version'],
  archiveMember: 'build/zeitwork-operator',
};
