/** Whether `value` is one of these. The compiler knows all that it can be: a misspelt name is refused, and not just never met. */
export function isAny<Name extends string>(value: Name | undefined, ...names: NoInfer<Name>[]): boolean {
  return value !== undefined && names.includes(value);
}
