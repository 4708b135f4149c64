import { betterStart, forecast, straddled } from '../../upgrade/rollout/index.ts';
import type { PlanInput, Rollout } from '../../upgrade/rollout/types.ts';
import type { Night } from '../views/night.ts';

/** What the plan comes to; null where it has more nodes than are played. */
export function nightOf(input: PlanInput, rollout: Rollout, playsUpTo: number): Night | null {
  const names = Object.keys(rollout.nodes);
  if (names.length > playsUpTo) return null;
  const { binarySha256 } = input.release;
  const onIt = input.survey.filter(({ sha256 }) => sha256 === binarySha256).map(({ node }) => node);
  const already = input.change === undefined ? onIt : [];
  const usual = forecast(rollout, 'p50', already);
  const over = input.change === undefined ? straddled(rollout, usual) : null;
  return {
    usual,
    worst: forecast(rollout, 'p90', already),
    straddled: over,
    better: over === null ? null : betterStart(input, 'p50', already),
    recorded: names.some(
      (name) =>
        input.pace[name]?.[
          input.change === undefined ? 'switch' : input.change.is === 'restart' ? 'restart' : 'configure'
        ] !== undefined,
    ),
  };
}
