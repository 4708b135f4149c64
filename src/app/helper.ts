import { placeOf } from '../base/sibling.ts';
import type { Settings } from '../config/index.ts';
import { type HelperOf, helperParts, installer } from '../upgrade/host/helper/index.ts';
import { isAskedChecks, serviceOf } from '../upgrade/rollout/index.ts';
import { type End, Ended } from './cli/exit.ts';
import { decisionKey, knownSigners } from './decision-key.ts';
import { settings } from './open.ts';

const isPart = (part: string): part is keyof ReturnType<typeof helperParts> =>
  ['script', 'policy', 'signers', 'sudoers'].includes(part);

/** Prints one of the parts of a node's helper, its installer, or how to go about it. */
export async function printHelper(part: string | null, node: string | null): Promise<End> {
  const own = settings();
  if (part === null) {
    console.log(howTo(own));
    return 'done';
  }
  const of = await helperOf(own, node);
  process.stdout.write(isPart(part) ? helperParts(of)[part] : installer(of));
  return 'done';
}

async function helperOf(own: Settings, name: string | null): Promise<HelperOf> {
  const names = Object.keys(own.hosts);
  const host = name === null ? undefined : own.hosts[name];
  if (host === undefined) {
    const problem = name === null ? 'each node has its own: add --node NODE' : `there is no node ${name}`;
    throw new Ended('usage', `${problem}; the fleet has ${names.join(', ')}`);
  }
  const signers = await knownSigners(own);
  return {
    fleet: own.fleet.name,
    node: name ?? host.name,
    service: serviceOf(own.fleet, name ?? ''),
    checks: isAskedChecks(own.fleet, name ?? '') ? (own.fleet.checks ?? []) : [],
    user: host.user,
    signers: signers.length > 0 ? signers : [await keyOfItsOwn(own)],
  };
}

/** A bot that was never started takes it when it is; on any other host nobody signs with it. */
async function keyOfItsOwn(own: Settings): Promise<string> {
  const { public: line } = await decisionKey(own);
  console.error(
    `A key that signs orders was made in ${own.stateDir}. Where the bot runs elsewhere it counts for nothing: name the bot's in ssh.signers.`,
  );
  return line;
}

const howTo = ({ hosts, fleet }: Settings): string => {
  const [first = 'NODE'] = Object.keys(hosts);
  return [
    `The helper lets the login of each node run the steps of ${fleet.service.unit} and nothing else, and change something`,
    'only by an order that a bot signed when a person decided. For each node, as somebody who is root there:',
    '',
    `  zeitwork helper install --node ${first} | ssh ${placeOf(first)} sudo sh`,
    '',
    'Then take away what else lets that login become root, bind its key to the helper in authorized_keys, write become: helper',
    'under ssh, restart bot and workers, and ask zeitwork doctor. Do this on the host of the bot, whose key signs the orders.',
    'Where bots run on several hosts, name the keys of all of them in ssh.signers first: zeitwork helper signers tells the one',
    'of this host. docs/node-helper.md has the whole story.',
  ].join('\n');
};
