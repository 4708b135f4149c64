import { beginBehind } from '../../base/cut.ts';

/** Takes everything, keeps the whole lines of the first and the last `half` bytes: half a secret would look like none. */
export interface Capture {
  push(chunk: Buffer): void;
  text(): string;
}

export function createCapture(half = 128 * 1024): Capture {
  const head: Buffer[] = [];
  let tail: Buffer[] = [];
  let headBytes = 0;
  let tailBytes = 0;
  let dropped = 0;

  const trim = () => {
    const kept = Buffer.concat(tail);
    const cut = Math.max(0, kept.length - half);
    dropped += cut;
    tail = [Buffer.from(kept.subarray(cut))];
    tailBytes = kept.length - cut;
  };

  return {
    push(chunk) {
      const first = chunk.subarray(0, half - headBytes);
      if (first.length > 0) head.push(first);
      headBytes += first.length;
      const rest = chunk.subarray(first.length);
      if (rest.length === 0) return;
      tail.push(rest);
      tailBytes += rest.length;
      if (tailBytes > 2 * half) trim();
    },
    text() {
      if (tailBytes > half) trim();
      const [first, last] = [Buffer.concat(head), Buffer.concat(tail)];
      if (dropped === 0) return Buffer.concat([first, last]).toString('utf8');
      const end = first.lastIndexOf('\n') + 1;
      const begin = beginBehind(last);
      const gap = `[${first.length - end + dropped + begin} bytes left out]\n`;
      return first.toString('utf8', 0, end) + gap + last.toString('utf8', begin);
    },
  };
}
