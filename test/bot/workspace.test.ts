import { describe, expect, it } from 'vitest';
import { linkTo, pinnedTo } from '../../src/bot/workspace.ts';

describe('the workspace', () => {
  it.each([
    ['the one of the token, when the settings name none', { team_id: 'T1' }, null, 'T1'],
    ['the one that both name', { team_id: 'T1' }, 'T1', 'T1'],
    ['the organisation, when the settings name that', { team_id: 'T1', enterprise_id: 'E1' }, 'E1', 'E1'],
    ['the workspace of an organisation', { team_id: 'T1', enterprise_id: 'E1' }, 'T1', 'T1'],
    ['the organisation that alone was told', { enterprise_id: 'E1' }, null, 'E1'],
  ])('is %s', (_, identity, team, pinned) => {
    expect(pinnedTo(identity, team).pinned).toBe(pinned);
  });

  it('is refused when the settings name another, or when Slack names none', () => {
    expect(() => pinnedTo({ team_id: 'T1', enterprise_id: 'E1' }, 'T2')).toThrow(/T1 of E1.*team: T2/);
    expect(() => pinnedTo({}, 'T1')).toThrow(/did not say/);
  });

  it('gives messages an address, and none to what is not a message', () => {
    const here = pinnedTo({ team_id: 'T1', url: 'https://trial.slack.com/' }, null);
    const at = { channel: 'C0', ts: '1732000000.000100' };
    expect(linkTo(here, at, 'open it')).toBe('<https://trial.slack.com/archives/C0/p1732000000000100|open it>');
    expect(linkTo(here, { ...at, ts: '' }, 'open it')).toBeNull();
    expect(linkTo(pinnedTo({ team_id: 'T1', url: 'no address' }, null), at, 'open it')).toBeNull();
  });
});
