import type { Handler } from './common.ts';
import { show } from './draft.ts';
import { asked, demandFor } from './upgrade.ts';

/** Answers with a plan that restarts what runs; nothing starts before it is confirmed. */
export const restart: Handler<'restart'> = async (context, asking, command) => {
  await demandFor(context, asking, command);
  return show(
    context,
    { ...asked(context, asking, command), release: null, change: { is: 'restart' } },
    command.dryRun,
    null,
  );
};
