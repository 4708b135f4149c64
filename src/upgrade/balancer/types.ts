/** What stands before the nodes of a region and gives them their clients. */
export type Balancer = Kind & {
  /** Machines of `hosts` on which it runs; all of them are to say the same. */
  hosts: string[];
  /** Health address through it: its answers say which version clients get. */
  probe: string;
  /** How long what was begun before a change may go on, ms. */
  drain: number;
};

export type Kind =
  /** Over its runtime socket. `stateFile`: what a reload reads; null: a reload forgets who is out. `config`: only read, by the doctor. */
  | { kind: 'haproxy'; backend: string; socket: string; stateFile: string | null; config: string }
  /** A file with the servers of an upstream, a line each: who is out is marked `down`. */
  | { kind: 'nginx'; file: string; config: string; pidFile: string }
  /** Programs of the settings: `show` says a line for each server, `apply` makes it so; `{in}` and `{out}` are names with commas between. */
  | { kind: 'command'; show: string[]; apply: string[] };

/** One server as its balancer has it. */
export interface Server {
  name: string;
  /** `nothing`: only what was begun before; `maintenance`: nothing, and nobody asks it how it is. */
  gets: 'traffic' | 'nothing' | 'maintenance';
  /** What the balancer's own check says now; `unasked`: it has none, or does not tell. */
  well: 'yes' | 'no' | 'not yet' | 'unasked';
  /** null: it does not tell. */
  port: number | null;
  /** Requests under way; null: it does not tell. */
  requests: number | null;
}

export type Pool = Server[];

/** How a pool is to be. Servers that are named in neither are left alone. */
export interface Wanted {
  in: string[];
  out: string[];
  /** What becomes of those who are out: asked on how they are, so that they can come back at once; or nobody asks them any more. */
  rest: 'drained' | 'maintenance';
  /** So many that are in must be seen well before anybody is taken out. */
  need: number;
  /** Who is in maintenance is brought in; else somebody has put them there, and they are left. */
  fromMaintenance: boolean;
  /** On which port each must be found, where the balancer tells. */
  ports: Record<string, number>;
}

/** What is lacking of it: words for the balancer, and what is still waited for. */
export type Lacking =
  | { is: 'nothing' }
  /** `must`: who has to be seen well once more right before they are said. */
  | { is: 'commands'; commands: string[]; must: string[] }
  | { is: 'waiting'; reason: string }
  /** It can never be so as it stands. */
  | { is: 'impossible'; reason: string };
