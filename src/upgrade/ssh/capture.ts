const half = 128 * 1024;

/** Takes everything, keeps the first and the last 128 KB. */
export interface Capture {
  push(chunk: Buffer): void;
  text(): string;
}

export function createCapture(): Capture {
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
      const gap = dropped > 0 ? [Buffer.from(`\n[${dropped} bytes left out]\n`)] : [];
      return Buffer.concat([...head, ...gap, ...tail]).toString('utf8');
    },
  };
}
