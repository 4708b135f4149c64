/** An estimate, and what it lies between. */
export interface Interval {
  estimate: number;
  low: number;
  high: number;
}
