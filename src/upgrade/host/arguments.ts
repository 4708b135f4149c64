/** What may be part of a command. A value that does not fit is a mistake of ours or of the settings, never sent. */
const shapes = {
  // Names that versions before 0.2 used in the folder in which each unit has its own now are no units.
  unit: /^(?!(?:lock|epoch(?:\.new)?|backups|digests)(?:\.service)?$)[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}$/,
  path: /^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\p{Cc}]+$/u,
  sha256: /^[0-9a-f]{64}$/,
  owner: /^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$/,
  mode: /^[0-7]{3,4}$/,
  word: /^[A-Za-z0-9][A-Za-z0-9._+-]{0,120}$/,
  flag: /^[A-Za-z0-9._=/-]{1,100}$/,
  argument: /^[^\p{Cc}]{1,200}$/u,
  invocation: /^[a-z0-9_-]{1,40}$/,
  key: /^[A-Za-z_][A-Za-z0-9_]{0,99}$/,
  number: /^(?:0|[1-9][0-9]{0,17})$/,
};

export type Shape = keyof typeof shapes;

/** The value itself, or a TypeError that names what it should have been. */
export function checked(shape: Shape, value: string): string {
  if (!shapes[shape].test(value)) throw new TypeError(`Not a usable ${shape} for a command: ${JSON.stringify(value)}`);
  return value;
}
