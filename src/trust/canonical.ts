/**
 * The one spelling of a JSON value: keys sorted by code unit, no spaces, members that are `undefined` left out.
 * What is signed is signed over this, so that a program which reads and writes it again signs the same bytes.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members: Record<string, unknown> = { ...value };
  const spelled: string[] = [];
  // Sorts by code unit when it is told no other order.
  for (const name of Object.keys(members).sort())
    if (members[name] !== undefined) spelled.push(`${JSON.stringify(name)}:${canonical(members[name])}`);
  return `{${spelled.join(',')}}`;
}
