/** One health answer. `healthy` is HTTP 200 and JSON `status` exactly `healthy`; everything else is not. */
export type Health =
  | { is: 'healthy'; version: string | null; hostname: string | null }
  | { is: 'unhealthy'; httpStatus: number; detail: string }
  /** `refused`: the machine answered that nothing listens there; silence proves nothing. */
  | { is: 'unreachable'; detail: string; refused?: boolean };

export interface Probe {
  /** A fresh request on a new connection; at most `timeoutMs` (default 3,000). Never throws. */
  health(node: string, timeoutMs?: number): Promise<Health>;
}
