/** The person asked for something impossible: says why and what to do instead. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
