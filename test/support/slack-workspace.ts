import type { SlackOptions } from '../../sandbox/slack/types.ts';

/** A small workspace: two people who may act, a guest, one who left, and the group that approves. */
export function workspaceOptions(): SlackOptions {
  return {
    people: [
      { id: 'U1', name: 'rosa', realName: 'Rosa Weber', role: 'on call, may start' },
      { id: 'U2', name: 'ines', realName: 'Ines Duarte', role: 'approver of eu-west' },
      { id: 'U3', name: 'gil', realName: 'Gil Haddad', role: 'guest, may only look', guest: true },
      { id: 'U4', name: 'otto', realName: 'Otto Lind', role: 'left the company', deleted: true },
    ],
    channel: { id: 'C1', name: 'control-plane' },
    team: { id: 'T1', name: 'sandbox' },
    groups: [{ id: 'S1', handle: 'eu-west-approvers', users: ['U2'] }],
  };
}
