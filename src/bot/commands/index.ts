import { Bug } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import type { Asking, CommandContext, Reply } from '../context.ts';
import { adopt } from './adopt.ts';
import { build } from './build.ts';
import { checklist, tick, untick } from './checklist.ts';
import type { Handler } from './common.ts';
import { config } from './config.ts';
import { approve, decline, pause, resume, retry, rollback, stop } from './decide.ts';
import { drift } from './drift.ts';
import { keep, replace } from './foreign.ts';
import { freeze, unfreeze } from './freeze.ts';
import { help, whoami } from './help.ts';
import { diagnose, history, status, why, windows } from './look.ts';
import { migrate } from './migrate.ts';
import { mine } from './mine.ts';
import { own } from './own.ts';
import { recover } from './recover.ts';
import { report } from './report.ts';
import { reschedule } from './reschedule.ts';
import { restart } from './restart.ts';
import { cancel, start } from './start.ts';
import { acting } from './unknown.ts';
import { schedule, upgrade } from './upgrade.ts';
import { verify } from './verify.ts';

const bare: Handler<'bare'> = async (context, asking) => {
  const open = await context.control.store.open();
  return open === null
    ? help(context, asking, { verb: 'help', about: null })
    : status(context, asking, { verb: 'status' });
};

const handlers: { [V in Command['verb']]: Handler<V> } = {
  bare,
  upgrade,
  schedule,
  reschedule: acting(reschedule),
  start,
  cancel,
  status,
  why,
  approve: acting(approve),
  decline: acting(decline),
  pause: acting(pause),
  resume: acting(resume),
  stop: acting(stop),
  mine: acting(mine),
  own,
  checklist,
  tick,
  untick,
  retry: acting(retry),
  replace: acting(replace),
  keep: acting(keep),
  rollback: acting(rollback),
  recover,
  drift,
  build,
  migrate,
  restart,
  config,
  adopt,
  windows,
  freeze,
  unfreeze,
  history,
  report,
  verify,
  help,
  whoami,
  diagnose,
};

/** Does what was asked. @throws Refused, Denied */
export function perform(context: CommandContext, asking: Asking, command: Command): Promise<Reply> {
  return dispatch(context, asking, command, command.verb);
}

/** The verb as a type parameter lets the compiler see that command and handler belong together. */
function dispatch<V extends Command['verb']>(
  context: CommandContext,
  asking: Asking,
  command: Command,
  verb: V,
): Promise<Reply> {
  if (!is(command, verb)) throw new Bug(`${command.verb} is not ${verb}`);
  const handler: Handler<V> = handlers[verb];
  return handler(context, asking, command);
}

function is<V extends Command['verb']>(command: Command, verb: V): command is Extract<Command, { verb: V }> {
  return command.verb === verb;
}
