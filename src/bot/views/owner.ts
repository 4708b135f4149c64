import { wentWrong } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { foreign, when, who } from './text.ts';

/** Who writes down what went wrong, and where the material is. */
export function ownerWords({ id, owner }: Rollout): string {
  const material = `\`zeitwork report ${foreign(id, 60)} --out DIR\` has the material for it`;
  return owner === undefined
    ? `nobody writes it down yet; ${material}`
    : `${who(owner.by)} writes it down, since ${when(owner.at)}; ${material}`;
}

/** At the end of what did not go as it should. */
export const ownerLines = (rollout: Rollout): string[] =>
  wentWrong(rollout) ? [`○ Something went wrong here that is worth a post-mortem: ${ownerWords(rollout)}`] : [];
