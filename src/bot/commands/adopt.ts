import { say, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { foreign } from '../views/text.ts';
import { statusWord } from '../views/words.ts';
import { asSecond, demand, type Handler } from './common.ts';

/** Somebody looked, and answers for what is stored, with a second one for exactly that: it is signed as it stands there. */
export const adopt: Handler<'adopt'> = async (context, asking, { what }) => {
  await demand(context, asking, { is: 'override' });
  const { control, clock, log } = context;
  const seen = await (what === 'ledger' ? control.ledger.stands() : control.store.stands(what));
  const first = await asSecond(context, asking, {
    what: `adopt ${what} ${seen}`,
    words: `adopt ${what === 'ledger' ? 'the ledger' : foreign(what, 60)} as it stands`,
    typed: `adopt ${foreign(what, 60)}`,
  });
  if (first !== null) return first;
  log.warn({ what, actor: asking.actor }, 'adopted');
  if (what === 'ledger') {
    const { revision } = await control.ledger.adopt(asking.actor, clock.now(), seen);
    return say(
      `The ledger is adopted as it stands, line ${revision}, in your name. Freezes: see \`/zeitwork windows\`.`,
    );
  }
  const rollout = await control.adopt(what, asking.actor, seen);
  return withFacts(
    { rollout: rolloutFacts(rollout) },
    say(
      `${foreign(rollout.id)} is adopted as it stands, in your name: ${rollout.release.version}, ${statusWord(rollout)}. ` +
        'It goes on from there; `/zeitwork stop` ends it.',
    ),
  );
};
