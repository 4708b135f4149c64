/**
 * Plays whole nights of the product in one process, on a clock that jumps (test/simulation).
 * `npm run sim -- --seeds 1000 [--from 1] [--minutes 10] [--bail]` (ends with the first that broke something), or `--seed 17` for one night with all that happened in it.
 */
import { parseArgs } from 'node:util';
import { Night, type Outcome } from '../test/simulation/night.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    bail: { type: 'boolean', default: false },
  },
});

function number(name: Exclude<keyof typeof values, 'bail'>, otherwise: number): number {
  const value = values[name] === undefined ? otherwise : Number(values[name]);
  if (value >= 0) return value;
  console.error(`--${name} ${values[name]}: give a number`);
  process.exit(2);
}

const play = (seed: number): Promise<Outcome> => new Night(seed).play();

if (values.seed !== undefined) {
  const { story, broken, end, facts, trace } = await play(number('seed', 1));
  console.log(story.join('\n'));
  console.log(`\n${end}\n${JSON.stringify(facts)}\ntrace ${trace}\n${broken ?? 'all holds'}`);
  process.exit(broken === null ? 0 : 1);
}

const from = number('from', 1);
const until = performance.now() + number('minutes', Number.POSITIVE_INFINITY) * 60_000;
const began = performance.now();
const ends = new Map<string, number>();
const broken: Outcome[] = [];
let played = 0;
for (; played < number('seeds', 1000) && performance.now() < until; played += 1) {
  const outcome = await play(from + played);
  const end = outcome.end.split(/[ :]/)[0] ?? '';
  ends.set(end, (ends.get(end) ?? 0) + 1);
  if (outcome.broken === null) continue;
  broken.push(outcome);
  console.log(`night ${outcome.seed}: ${outcome.broken}\n  npm run sim -- --seed ${outcome.seed}`);
  if (values.bail) break;
}
const took = (performance.now() - began) / 1000;
const how = [...ends].map(([end, count]) => `${count} ${end}`).join(', ');
console.log(`${played} nights in ${took.toFixed(0)} s (${how}); ${broken.length} broke something`);
process.exit(broken.length === 0 ? 0 : 1);
