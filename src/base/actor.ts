/** Who did it: a Slack user id, or `cli:<login>`. */
export type Actor = string;

const local = 'cli:';

/** Nobody: the settings wanted it. */
export const bySettings: Actor = 'settings';

/** Somebody at this machine's command line. */
export function localActor(login: string): Actor {
  return `${local}${login}`;
}

export function isLocal(actor: Actor): boolean {
  return actor.startsWith(local);
}
