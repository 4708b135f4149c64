import type { Adoptable } from '../../jobs/types.ts';
import { say, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { goalOf } from '../views/goal.ts';
import { foreign, who } from '../views/text.ts';
import { verdict } from '../views/verdict.ts';
import { adoptLedger } from './adopt-ledger.ts';
import { asSecond, type Handler } from './common.ts';

/** Two looked, and answer for it: what the journal proves is signed anew, in their names. */
export const adopt: Handler<'adopt'> = async (context, asking, { what, without = [] }) => {
  if (what === 'ledger') return adoptLedger(context, asking, without);
  const { control, log } = context;
  const shown = await control.store.adoptable(what);
  const { mark } = shown;
  const agreement = await asSecond(context, asking, {
    what: `adopt ${what} ${mark}`,
    words: `adopt ${foreign(shown.rollout.id)} as it stands (${mark}): ${described(shown)}`,
    typed: `adopt ${foreign(what, 60)}`,
  });
  if (agreement.is === 'waits') return agreement.reply;
  const { first } = agreement;
  log.warn({ what, actor: asking.actor, first }, 'adopted');
  const how = first === undefined ? { mark } : { mark, first };
  const whose = first === undefined ? 'in your name' : `in your name and that of ${who(first)}`;
  const rollout = await control.adopt(what, asking.actor, how);
  return withFacts(
    { rollout: rolloutFacts(rollout) },
    say(
      `${foreign(rollout.id)} is adopted, ${whose}: ${goalOf(rollout)}, ${verdict(rollout)}. ` +
        (shown.as === 'ended' ? rest.ended : 'It goes on from there; `/zeitwork stop` ends it.'),
    ),
  );
};

const rest: Record<Adoptable['as'], string> = {
  proven: 'It goes on from what was signed; what was not is left out.',
  unsigned: 'Nobody signed it, as a version did that knew no signatures. It goes on from what is stored.',
  ended:
    'Nothing of it is signed, so it ends where it is; what nodes ran before can be brought back with `/zeitwork rollback`.',
};

const described = ({ rollout, as }: Adoptable): string =>
  `${foreign(goalOf(rollout))}, binary ${rollout.release.binarySha256.slice(0, 12)}, asked for by ${who(rollout.requester)}, ` +
  `${verdict(rollout)}, ${Object.keys(rollout.nodes).length} nodes. ${rest[as]}`;
