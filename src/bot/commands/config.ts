import { Refused } from '../../base/errors.ts';
import { noRules, refusedWanted } from '../../upgrade/environment/index.ts';
import type { Handler } from './common.ts';
import { show } from './draft.ts';
import { serviceNamed } from './services.ts';
import { asked, demandFor } from './upgrade.ts';

/** Answers with what a change of the environment files comes to; nothing starts before it is confirmed. */
export const config: Handler<'config'> = async (context, asking, command) => {
  await demandFor(context, asking, command);
  const { wanted, dryRun } = command;
  const reason = refusedWanted(wanted, context.fleet.config ?? noRules);
  if (reason !== null) throw new Refused(`Nothing was planned: ${reason}.`);
  const change = { is: 'config' as const, wanted, files: {} };
  const key = serviceNamed(context.fleet, command.service);
  const services = key === null ? {} : { services: [{ key, release: null }] };
  return show(context, { ...asked(context, asking, command), ...services, release: null, change }, dryRun, null);
};
