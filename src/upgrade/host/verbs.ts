import type { OrderClass } from '../rollout/types.ts';
import * as scripts from './scripts/index.ts';

interface Verb {
  script: string;
  /** Orders of these kinds let a helper do it; none: it only looks. */
  orders: readonly OrderClass[];
  /** A helper does not know it: its login may not read what secrets lie on the node. */
  sudoOnly?: true;
}

const looks: readonly OrderClass[] = [];

/** Everything that a node is asked or told, by its name: the script, and what it takes to be allowed it. */
export const verbs = {
  look: { script: scripts.lookScript, orders: looks },
  observe: { script: scripts.observeScript, orders: looks },
  'look around': { script: scripts.lookAroundScript, orders: looks },
  'list backups': { script: scripts.listBackupsScript, orders: looks },
  diagnose: { script: scripts.diagnoseScript, orders: looks },
  'count entries': { script: scripts.countEntriesScript, orders: looks },
  'run check': { script: scripts.runCheckScript, orders: looks },
  'lend key': { script: scripts.lendKeyScript, orders: looks },
  'check backup': { script: scripts.checkBackupScript, orders: looks },
  receive: { script: scripts.receiveScript, orders: ['stage', 'recover'] },
  lend: { script: scripts.lendScript, orders: ['recover'] },
  gather: { script: scripts.gatherScript, orders: ['recover'] },
  stage: { script: scripts.stageScript, orders: ['stage'] },
  'look under lock': { script: scripts.lookUnderLockScript, orders: ['change', 'return', 'recover', 'restart'] },
  backup: { script: scripts.backupScript, orders: ['change'] },
  drain: { script: scripts.trafficScript, orders: ['change', 'recover', 'restart'] },
  switch: { script: scripts.switchScript, orders: ['change'] },
  undrain: { script: scripts.trafficScript, orders: ['change', 'return', 'recover', 'restart'] },
  restore: { script: scripts.restoreScript, orders: ['change', 'return', 'recover'] },
  restart: { script: scripts.restartScript, orders: ['restart'] },
  'lend environment': { script: scripts.lendEnvironmentScript, orders: looks, sudoOnly: true },
  'compare environment': { script: scripts.compareEnvironmentScript, orders: looks, sudoOnly: true },
  'stage environment': { script: scripts.stageEnvironmentScript, orders: ['stage'], sudoOnly: true },
  configure: { script: scripts.configureScript, orders: ['change'], sudoOnly: true },
  beside: { script: scripts.besideScript, orders: ['change'], sudoOnly: true },
  retire: { script: scripts.retireScript, orders: ['change', 'return'], sudoOnly: true },
  cleanup: { script: scripts.cleanupScript, orders: ['stage', 'change', 'return', 'recover'] },
  tidy: { script: scripts.tidyScript, orders: ['tidy'] },
} satisfies Record<string, Verb>;

export type VerbName = keyof typeof verbs;
