import type { Command } from '../node/types.ts';
import type { Recorded, Rollout, Service } from '../rollout/types.ts';
import { checked } from './arguments.ts';
import { backupPath, fileName, stagedPath, uploadFolder } from './layout.ts';
import {
  backupScript,
  checkBackupScript,
  cleanupScript,
  diagnoseScript,
  lookScript,
  observeScript,
  restoreScript,
  stageScript,
  switchScript,
} from './scripts/index.ts';

/** systemd lets a service take 90 s to stop; `systemctl restart` waits for it. */
const restartTime = 120_000;

const place = (service: Service) => [
  `unit=${checked('unit', service.unit)}`,
  `binary=${checked('path', service.binary)}`,
  `env=${service.envFile === null ? '-' : checked('path', service.envFile)}`,
];

const past = (before: Recorded) => [
  `backup=${checked('path', backupPath(before))}`,
  `version=${fileName(before.version)}`,
  `before=${checked('sha256', before.sha256)}`,
  `before_env=${before.envSha256 === null ? '-' : checked('sha256', before.envSha256)}`,
];

const future = (rollout: Rollout) => [
  `staged=${checked('path', stagedPath(rollout.service, rollout.release))}`,
  `target=${checked('sha256', rollout.release.binarySha256)}`,
];

const fence = (rollout: Rollout) => `epoch=${checked('epoch', String(rollout.epoch))}`;

const versionQuestion = (service: Service) =>
  service.versionArgs === null ? [] : ['--', ...service.versionArgs.map((word) => checked('flag', word))];

const asRoot = (name: string, script: string, args: string[], timeoutMs: number): Command => ({
  name,
  script,
  args,
  sudo: true,
  timeoutMs,
});

/** Sees what runs and what lies on disk. */
export function glance(service: Service, timeoutMs: number): Command {
  return asRoot('look', lookScript, place(service), timeoutMs);
}

/** Sees everything that staging needs. `ask` also runs the installed binary for its version. */
export function observe(service: Service, timeoutMs: number, rollout?: Rollout, ask = false): Command {
  const staged = rollout ? stagedPath(service, rollout.release) : '-';
  const args = [...place(service), `staged=${staged}`, ...(ask ? versionQuestion(service) : [])];
  return asRoot('observe', observeScript, args, timeoutMs);
}

/** Makes the new binary ready beside the installed one, and the backup. `upload` is null when it was staged before. */
export function stage(rollout: Rollout, before: Recorded, upload: string | null): Command {
  const { service, release, policy } = rollout;
  const args = [
    fence(rollout),
    ...place(service),
    ...future(rollout),
    ...past(before),
    `owner=${checked('owner', service.owner)}`,
    `mode=${checked('mode', service.mode)}`,
    `upload=${upload ?? '-'}`,
    `uploaded=${checked('sha256', release.archiveSha256)}`,
    `member=${checked('member', service.archiveMember)}`,
    ...versionQuestion(service),
  ];
  return asRoot('stage', stageScript, args, Math.max(policy.commandTimeout, restartTime));
}

/** Makes or verifies the backup and reads the staged binary once more. */
export function backup(rollout: Rollout, before: Recorded): Command {
  const args = [fence(rollout), ...place(rollout.service), ...future(rollout), ...past(before)];
  return asRoot('backup', backupScript, args, rollout.policy.commandTimeout);
}

/** Verifies the backup of a node that is on its new binary already. */
export function checkBackup(rollout: Rollout, before: Recorded): Command {
  return asRoot('check backup', checkBackupScript, past(before), rollout.policy.commandTimeout);
}

/** Renames the staged binary over the installed one and restarts. */
export function switchOver(rollout: Rollout, before: Recorded): Command {
  const args = [fence(rollout), ...place(rollout.service), ...future(rollout), ...past(before)];
  return asRoot('switch', switchScript, args, Math.max(rollout.policy.commandTimeout, restartTime));
}

/** Puts binary and environment file back and restarts. */
export function restore(rollout: Rollout, before: Recorded): Command {
  const args = [fence(rollout), ...place(rollout.service), ...past(before)];
  return asRoot('restore', restoreScript, args, Math.max(rollout.policy.commandTimeout, restartTime));
}

/** Removes what was staged and uploaded. */
export function cleanup(rollout: Rollout): Command {
  const args = [fence(rollout), ...place(rollout.service), `folder=${uploadFolder(rollout)}`];
  return asRoot('cleanup', cleanupScript, args, rollout.policy.commandTimeout);
}

/** Collects what a person would look at first. */
export function diagnose(service: Service, timeoutMs: number): Command {
  return asRoot('diagnose', diagnoseScript, place(service), timeoutMs);
}
