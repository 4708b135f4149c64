import type { Health, Probe } from '../../src/upgrade/http/types.ts';
import type { Command, Outcome, Shell, Transfer } from '../../src/upgrade/ssh/types.ts';
import type { ModelNode } from './node.ts';
import type { Chance, Program, Time } from './time.ts';

/** How the way to the nodes misbehaves, as probabilities of each call. */
export interface NetworkTrouble {
  /** Nothing is sent. */
  refuses: number;
  /** Connecting takes some seconds. */
  slow: number;
  /** It was sent, and nobody hears how it ends. */
  losesEnd: number;
  /** It is sent, nobody hears of it, and it arrives up to a minute later. */
  dawdles: number;
  losesProbe: number;
  /** A node that is well answers 503, once. */
  badAnswer: number;
  /** What arrives of an upload is not what was sent. */
  damages: number;
}

export const noTrouble: NetworkTrouble = {
  refuses: 0,
  slow: 0,
  losesEnd: 0,
  dawdles: 0,
  losesProbe: 0,
  badAnswer: 0,
  damages: 0,
};

interface Parts {
  nodes: Map<string, ModelNode>;
  time: Time;
  chance: Chance;
  trouble: NetworkTrouble;
  crash: (program: Program) => boolean;
  /** Told of every command when it leaves. */
  sent(program: Program, node: ModelNode, command: Command): void;
}

/** Milliseconds, as `src/upgrade/ssh` and `src/upgrade/http` have them. */
const connectLimit = 10_000;
const probeLimit = 3_000;
const grace = 5_000;

const never = <T>(): Promise<T> => new Promise(() => undefined);

/** SSH as one program has it. A command that was sent goes on, whatever becomes of the program. */
export function simulatedShell(program: Program, parts: Parts): Shell {
  const { nodes, time, chance, trouble, crash } = parts;
  const there = (name: string): ModelNode => {
    const node = nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  };
  const reaches = async (node: ModelNode): Promise<string | null> => {
    if (!node.on || node.cut) {
      await program.pass(connectLimit);
      return 'timed out after 10 s';
    }
    await program.pass(chance.between(1, 30));
    if (trouble.slow > 0 && chance.of(trouble.slow)) await program.pass(chance.between(1_000, connectLimit - 1_000));
    return chance.of(trouble.refuses) ? 'connection refused' : null;
  };
  return {
    async run(name, command, signal): Promise<Outcome> {
      const node = there(name);
      const latest = time.now + (command.sendWithinMs ?? Number.POSITIVE_INFINITY);
      const reason = await reaches(node);
      if (reason !== null) return { is: 'unreachable', reason };
      if (time.now > latest) return { is: 'unreachable', reason: 'too late to be sent' };
      if (signal?.aborted) return { is: 'unreachable', reason: 'given up before it was sent' };
      if (crash(program)) await never();
      parts.sent(program, node, command);
      const late = chance.of(trouble.dawdles) ? chance.between(1_000, 60_000) : 0;
      const ended = time.wait(late).then(() => node.run(command));
      const limit = command.timeoutMs + grace;
      const lost = (ms: number, why: string) =>
        program.pass(ms).then((): Outcome => ({ is: 'lost', reason: why, stdout: '', stderr: '' }));
      const given = onAbort(signal);
      const waysToEnd = [lost(limit, 'no end was seen in time'), given.lost];
      if (late > 0 || chance.of(trouble.losesEnd)) waysToEnd.push(lost(chance.between(10, 3_000), 'connection reset'));
      else waysToEnd.push(heard(ended));
      if (crash(program)) await never();
      return Promise.race(waysToEnd).finally(given.forget);

      async function heard(end: ReturnType<ModelNode['run']>): Promise<Outcome> {
        const { code, stdout, stderr } = await end;
        await program.pass(chance.between(1, 30));
        // A machine that was cut off meanwhile says nothing any more.
        if (node.cut) await never();
        return { is: 'exited', code, stdout, stderr };
      }
    },
    async put(name, from, remotePath): Promise<Transfer> {
      const node = there(name);
      const reason = await reaches(node);
      if (reason !== null) return { is: 'unreachable', reason };
      await program.pass(chance.between(50, 800));
      if (crash(program)) await never();
      if (node.diskFull) return { is: 'failed', reason: 'no space left on device' };
      if (!node.on || node.cut) return { is: 'failed', reason: 'the connection was lost' };
      node.receive(remotePath, chance.of(trouble.damages) ? 'f'.repeat(64) : String(from));
      return { is: 'sent', bytes: 1_000 };
    },
    close: async () => undefined,
  };
}

/** `forget` when it ended otherwise: signals outlive commands. */
function onAbort(signal: AbortSignal | undefined): { lost: Promise<Outcome>; forget: () => void } {
  let end: () => void = () => undefined;
  const lost = new Promise<Outcome>((resolve) => {
    end = () => resolve({ is: 'lost', reason: 'given up', stdout: '', stderr: '' });
  });
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end, { once: true });
  return { lost, forget: () => signal?.removeEventListener('abort', end) };
}

/** HTTP as one program has it. */
export function simulatedProbe(
  program: Program,
  { nodes, chance, trouble }: Pick<Parts, 'nodes' | 'chance' | 'trouble'>,
): Probe {
  return {
    async health(name) {
      const node = nodes.get(name);
      if (node === undefined || !node.on || node.cut || chance.of(trouble.losesProbe)) {
        await program.pass(probeLimit);
        return { is: 'unreachable', detail: 'no answer within 3 s' };
      }
      await program.pass(chance.between(1, 10));
      const seen: Health = chance.of(trouble.badAnswer)
        ? { is: 'unhealthy', httpStatus: 503, detail: 'HTTP 503: busy' }
        : node.health();
      await program.pass(chance.between(1, 10));
      return seen;
    },
  };
}
