import type { ActionsBlock, Button, KnownBlock } from '@slack/types';
import { nodesInOrder, regionsOf, releaseOf } from '../../upgrade/rollout/index.ts';
import type { Fleet, NodeRun, NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { forecast } from './forecast.ts';
import { message, type Part } from './parts.ts';
import { runningLines } from './running.ts';
import { foreign, when } from './text.ts';

/** Action ids of the home tab: nothing is decided there, so nothing of it is sealed. */
export const homeActions = { upgrade: 'zwh:upgrade', look: 'zwh:look' } as const;

export interface Home {
  fleet: string;
  /** What waits for whoever opened it. */
  mine: Part[];
  mayUpgrade: boolean;
  rest: Part[];
}

/** At most 100 blocks. @param isOneOfSeveral says of which fleet it is */
export function homeBlocks({ fleet, mine, mayUpgrade, rest }: Home, isOneOfSeveral = false): KnownBlock[] {
  const title: Part[] = isOneOfSeveral ? [{ is: 'title', text: `Fleet ${fleet}` }] : [];
  const shown = rest.filter(({ is }) => is !== 'buttons');
  return [
    ...message([...title, ...mine], `home.${fleet}.mine`).blocks,
    buttons(fleet, mayUpgrade),
    ...message(shown, `home.${fleet}`).blocks,
  ];
}

function buttons(fleet: string, mayUpgrade: boolean): ActionsBlock {
  const button = (action_id: string, text: string): Button => ({
    ...{ type: 'button', action_id, value: fleet, text: { type: 'plain_text', text, emoji: false } },
  });
  const upgrade: Button[] = mayUpgrade ? [{ ...button(homeActions.upgrade, 'Upgrade…'), style: 'primary' }] : [];
  return {
    type: 'actions',
    block_id: `home.${fleet}.buttons`,
    elements: [...upgrade, button(homeActions.look, 'Look again')],
  };
}

/** Which versions run in each region, as the nodes said. */
export const versionsSeen = (fleet: Fleet, survey: NodeSurvey[]): Part => ({
  ...{ is: 'lines', lines: ['*Versions*', ...runningLines(fleet, survey)] },
});

/** The same of a rollout under way, as it has recorded it. */
export function versionsKnown(rollout: Rollout): Part {
  const lines = regionsOf(rollout).map((region) => {
    const nodes = nodesInOrder(rollout).filter((node) => node.region === region);
    const said = nodes.map((node) => versionOf(rollout, node));
    const counted = [...new Set(said)].map((each) => `${said.filter((one) => one === each).length} ${each}`);
    return `*${foreign(region, 80)}*: ${counted.join(', ')}`;
  });
  return { is: 'lines', lines: ['*Versions*', ...lines] };
}

/** A node that may have been changed and is not proven runs nobody knows what. */
function versionOf(rollout: Rollout, { name, state, before, touched }: NodeRun): string {
  if (state.is === 'done') return `on ${foreign(releaseOf(rollout, name).version, 60)}`;
  const isOld = !touched || state.is === 'rolled-back';
  return isOld && before?.version != null ? `on ${foreign(before.version, 60)}` : 'not known until it is proven';
}

/** When each region is expected to have its turn, and the end. */
export function forecastLines(rollout: Rollout): string[] {
  if (rollout.status.is !== 'running') return [];
  const lines = forecast(rollout).regions.map(({ region, begin, end }) => {
    const zone = rollout.calendars[region]?.zone;
    const local = zone === undefined ? '' : ` (${describeLocal(begin, zone)})`;
    return `*${foreign(region, 80)}* not before ${when(begin)}${local}, done about ${when(end)}`;
  });
  return lines.length === 0 ? [] : ['*Forecast*, not counting the time that approvals take', ...lines.slice(0, 40)];
}
