/**
 * The scripts that run on a node, as fixed texts for `sh -s` (dash); nothing is ever interpolated into them.
 *
 * What they need there, so that a stand-in node knows what to offer:
 * - coreutils (`cp --preserve=all`, `cp --attributes-only`, `mv -T`, `ln`, `stat`, `sync FILE`, `timeout -k`, `head -c`, `cut`,
 *   `date -u`, `sha256sum`, `od`, `tr`, `base64 -w`), `grep -z`, `sed` (`-z`), `awk`, `sort`, `tar`, `gzip`, `flock` and, when there, `setpriv`, `systemd-run`, `openssl`,
 *   `ss`; `test -ef`; `chown` and `chmod` as commands of their own;
 * - `systemctl show UNIT -p MainPID -p InvocationID -p NRestarts -p ActiveState -p SubState -p Result -p ExecMainStatus
 *   -p ActiveEnterTimestampMonotonic -p LoadState` (a property that is left out is taken as unknown),
 *   `systemctl show UNIT -p MainPID -p ExecStart`, `systemctl reset-failed UNIT`, `systemctl restart UNIT`, `systemctl status UNIT --no-pager --full`;
 * - `journalctl -u UNIT -n N --no-pager -o short-iso`; for checks also `journalctl _SYSTEMD_INVOCATION_ID=… --since=-60s -q -o json
 *   --output-fields=PRIORITY,MESSAGE`;
 * - `/proc/PID/exe` only as a file to read (`openssl`, `sha256sum`, `stat -L`, `test -ef`, `cp -p`), so a hard link to the
 *   image will do; nothing is concluded from where the link points;
 * - absolute paths begin with `/usr/local/bin/`, `/etc/zeitwork/` (both from the service's profile),
 *   `/var/lib/zeitwork-upgrades` and `/proc/`; tools are called by bare name; uploads are found relative to the
 *   directory in which the login begins, which `sudo` keeps.
 *
 * What they keep lies under `/var/lib/zeitwork-upgrades/UNIT`: `lock`, `epoch` (two numbers of 20 digits: run and try),
 * `backups`, `made` (which run recorded which backup), `incoming` (archives that a helper took), `aside` with `aside.log`,
 * `recovered` (a pair that a recovery puts in place, until that is done), `environments` (files of a change of configuration, until that is done), `environment` (which environment file was put in place last, and
 * the invocation that ran right after that: it has to be started anew), and `digests`, which only saves time. Of what versions before 0.2 kept in the folder above, `lock` is taken, `epoch`
 * raised and `backups` read while they are there.
 *
 * Those that change something begin with `enter`: lock, fence, and away with what a killed script left behind.
 *
 * Exit codes: 0 with a last line `@@zw end ok`; 70 refused, with `@@zw refused WORD DETAIL`; 75 another command holds
 * the lock; 76 a newer run or try owns the node.
 */
export { lookAroundScript } from './around.ts';
export { backupScript, checkBackupScript } from './backup.ts';
export { listBackupsScript } from './backups.ts';
export { besideScript, retireScript } from './beside.ts';
export { countEntriesScript, lendKeyScript, runCheckScript } from './checks.ts';
export { cleanupScript } from './cleanup.ts';
export {
  compareEnvironmentScript,
  configureScript,
  lendEnvironmentScript,
  stageEnvironmentScript,
} from './configure.ts';
export { diagnoseScript } from './diagnose.ts';
export { gatherScript } from './gather.ts';
export { lendScript } from './lend.ts';
export { loginScript } from './login.ts';
export { lookScript, lookUnderLockScript, observeScript } from './observe.ts';
export { receiveScript } from './receive.ts';
export { restartScript } from './restart.ts';
export { restoreScript } from './restore.ts';
export { stageScript } from './stage.ts';
export { switchScript } from './switch.ts';
export { tidyScript } from './tidy.ts';
export { trafficScript } from './traffic.ts';
