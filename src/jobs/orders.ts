import type { Redis } from 'ioredis';
import type { Presented, SignedOrder } from '../base/helper-request.ts';
import { type Order, type OrderClass, ordersAfter, orderText } from '../upgrade/rollout/index.ts';
import type { Event, Rollout, StepName } from '../upgrade/rollout/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';
import { keysOf } from './keys.ts';

/** Signs with the key of whoever admits decisions; the answer is what `ssh-keygen -Y verify` takes. */
export type SignOrder = (text: string) => string;

/** Signs what a decision opens, and stores it where workers find it. Told after the decision was recorded. */
export type IssueOrders = (rollout: Rollout, decision: Event | { type: 'created'; at: number }) => Promise<void>;

const fieldOf = (node: string, which: OrderClass, epoch: number): string => `${node} ${which} ${epoch}`;

/** An order proves itself on the node that it is for: whoever changes it here has no order any more. */
export function orderIssuer(redis: Redis, fleet: string, sign: SignOrder): IssueOrders {
  const keys = keysOf(fleet);
  const signed = (order: Order): string => {
    const text = orderText(order);
    return [text, sign(text)].map((part) => Buffer.from(part).toString('base64')).join(' ');
  };
  return async (rollout, decision) => {
    const orders = ordersAfter(rollout, decision);
    if (orders.length === 0) return;
    const fields = orders.map((order) => [fieldOf(order.node, order.class, order.epoch), signed(order)]);
    const key = keys.orders(rollout.id);
    const last = Math.max(...orders.map(({ notAfter }) => notAfter));
    await redis.multi().hset(key, Object.fromEntries(fields)).pexpireat(key, last).exec();
  };
}

/** What allows the steps of one node; null when nobody ordered them. */
export type FindOrder = (rollout: Rollout, node: string, step: StepName | 'tidy') => Promise<Presented | null>;

export function orderFinder(redis: Redis, fleet: string): FindOrder {
  const keys = keysOf(fleet);
  return async ({ id, epoch }, node, step) => {
    const wanted = classesOf(step);
    const fields = [...wanted.map((which) => fieldOf(node, which, epoch)), fieldOf(node, 'return', epoch + 1)];
    const found = (await redis.hmget(keys.orders(id), ...fields)).map(readSigned);
    const back = found.pop() ?? null;
    const order = found.find((each) => each !== null);
    return order ? { order, back } : null;
  };
}

function classesOf(step: StepName | 'tidy'): OrderClass[] {
  if (step === 'tidy') return ['tidy'];
  return step === 'stage' ? ['stage', 'recover'] : ['change', 'restart', 'return', 'recover'];
}

function readSigned(stored: string | null): SignedOrder | null {
  const [text, signature] = stored?.split(' ') ?? [];
  return text && signature ? { text, signature } : null;
}

/** The same shell, which presents to each command what allows it. */
export function presenting(shell: Shell, find: () => Promise<Presented | null>): Shell {
  const becomes = (node: string) => shell.becomes?.(node) ?? 'sudo';
  return {
    async run(node, command, signal) {
      const presented = becomes(node) === 'helper' ? await find() : null;
      return shell.run(node, presented === null ? command : { ...command, presented }, signal);
    },
    put: (...what) => shell.put(...what),
    becomes,
    close: () => shell.close(),
  };
}
