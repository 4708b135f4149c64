/**
 * The scripts that run on a node, as fixed texts for `sh -s` (dash); nothing is ever interpolated into them.
 *
 * What they need there, so that a stand-in node knows what to offer:
 * - coreutils (`cp -p`, `mv -T`, `stat`, `sync FILE`, `timeout -k`, `head -c`, `cut`, `sha256sum`), `sed`, `tar`, `gzip`,
 *   `flock` and, when there, `setpriv`, `openssl`, `ss`; `test -ef`; `chown` and `chmod` as commands of their own;
 * - `systemctl show UNIT -p MainPID -p InvocationID -p NRestarts -p ActiveState -p SubState -p Result -p ExecMainStatus
 *   -p ActiveEnterTimestampMonotonic -p LoadState` (a property that is left out is taken as unknown),
 *   `systemctl reset-failed UNIT`, `systemctl restart UNIT`, `systemctl status UNIT --no-pager`;
 * - `journalctl -u UNIT -n N --no-pager -o short-iso`;
 * - `/proc/PID/exe` only as a file to read (`openssl`, `sha256sum`, `stat -L`, `test -ef`, `cp -p`), so a hard link to the
 *   image will do; nothing is concluded from where the link points;
 * - absolute paths begin with `/usr/local/bin/`, `/etc/zeitwork/` (both from the service's profile),
 *   `/var/lib/zeitwork-upgrades` and `/proc/`; tools are called by bare name; uploads are found relative to the
 *   directory in which the login begins, which `sudo` keeps.
 *
 * Exit codes: 0 with a last line `@@zw end ok`; 70 refused, with `@@zw refused WORD DETAIL`; 75 another command holds
 * the lock; 76 a newer run owns the node.
 */
export { backupScript, checkBackupScript } from './backup.ts';
export { cleanupScript } from './cleanup.ts';
export { diagnoseScript } from './diagnose.ts';
export { lookScript, observeScript } from './observe.ts';
export { restoreScript } from './restore.ts';
export { stageScript } from './stage.ts';
export { switchScript } from './switch.ts';
