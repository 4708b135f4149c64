import type { Handler } from './common.ts';
import { type Request, show } from './draft.ts';
import { serviceNamed } from './services.ts';
import { asked, demandFor } from './upgrade.ts';

/** Answers with a plan that restarts what runs; nothing starts before it is confirmed. */
export const restart: Handler<'restart'> = async (context, asking, command) => {
  await demandFor(context, asking, command);
  const key = serviceNamed(context.fleet, command.service);
  const request: Request = {
    ...asked(context, asking, command),
    ...(key === null ? {} : { services: [{ key, release: null }] }),
    release: null,
    change: { is: 'restart' },
  };
  return show(context, request, command.dryRun, null);
};
