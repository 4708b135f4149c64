import { helperPath } from '../../../base/helper-request.ts';
import type { Check } from '../../checks/types.ts';
import type { Service } from '../../rollout/types.ts';
import { checked } from '../arguments.ts';
import { checkWordsFor, programsOf, trafficWords } from '../commands.ts';

/** Where what the helper goes by lies on a node; all of it is root's. */
export const policyFolder = '/etc/zeitwork-node';
export const policyPath = ({ unit }: Service) => `${policyFolder}/${checked('unit', unit)}.policy`;
export const signersPath = ({ unit }: Service) => `${policyFolder}/${checked('unit', unit)}.signers`;

/** Who an order is signed as, and for what. */
export const principal = 'zeitwork';
export const orderNamespace = 'zeitwork-order';

/** Bytes of the largest archive that a node takes. */
const archiveLimit = 2 * 1024 ** 3;

/** What the helper of one node may be used for: one key and one value a line. A key that is repeated is a list of words. */
export function policyText(fleet: string, node: string, service: Service, checks: readonly Check[] = []): string {
  const lines: [string, string][] = [
    ['fleet', fleet],
    ['node', node],
    ['binary', checked('path', service.binary)],
    ['env', service.envFile === null ? '-' : checked('path', service.envFile)],
    ['owner', checked('owner', service.owner)],
    ['mode', checked('mode', service.mode)],
    ['archive-limit', String(archiveLimit)],
    ...(service.versionArgs ?? []).map((word): [string, string] => ['version', checked('flag', word)]),
    ...trafficWords(service, node, 'drain').map((word): [string, string] => ['drain', word]),
    ...trafficWords(service, node, 'undrain').map((word): [string, string] => ['undrain', word]),
    ...programsOf(service, node).map((word): [string, string] => ['program', word]),
    ...checks.flatMap((check) => linesOf(check, node)),
  ];
  return lines.map(([key, value]) => `${key} ${value}\n`).join('');
}

/** What a check is allowed on a node: a program with its words, or the value of one key. What else is asked changes nothing by itself. */
function linesOf(check: Check, node: string): [string, string][] {
  if (check.kind === 'database') return [['key', checked('key', check.key)]];
  if (check.kind !== 'command') return [];
  return checkWordsFor(check, node).map((word) => ['check', `${checked('word', check.name)} ${word}`]);
}

/** An allowed-signers file of OpenSSH: whose orders a node takes. @param keys public key lines */
export function signersText(keys: readonly string[]): string {
  return keys.map((key) => `${principal} namespaces="${orderNamespace}" ${key}\n`).join('');
}

/** Root by way of the helper, without arguments, and by nothing else. What a site's defaults let through is emptied too. */
export function sudoersText(user: string): string {
  const defaults = 'env_reset, !setenv, secure_path="/usr/sbin:/usr/bin:/sbin:/bin", !requiretty';
  return `Defaults!${helperPath} ${defaults}\n${user} ALL=(root) NOPASSWD: ${helperPath} ""\n`;
}
