import { clickTimes } from './click.ts';
import { costOf } from './cost.ts';
import { journalCost } from './journal.ts';
import { recoveryTime } from './recovery.ts';
import { median, quantile } from './statistics.ts';

const rows: [what: string, measured: string, goal: string][] = [];

const parts = {
  async cost() {
    // Often enough first that the compiler of the runtime is done with it.
    for (let round = 0; round < 30; round++) costOf(3);
    const costs = [3, 33, 100, 333].map(costOf);
    const [smallest] = costs;
    for (const { nodes, events, perNodeAndEvent } of costs) {
      const ratio = perNodeAndEvent / (smallest?.perNodeAndEvent ?? perNodeAndEvent);
      const text = `${perNodeAndEvent.toFixed(2)} µs, ${ratio.toFixed(2)} of that with 9 (${events} events)`;
      rows.push([`cost per node and event, ${nodes} nodes`, text, '<= 1.5']);
    }
    rows.push(['memory after that', `${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most`, '<= 250 MB']);
  },
  async click() {
    const clicks = await clickTimes(12);
    rows.push([
      'button click to the first step on the next node',
      `p95 ${quantile(clicks, 0.95).toFixed(0)} ms, median ${median(clicks).toFixed(0)} ms (${clicks.length} clicks)`,
      'p95 <= 250 ms',
    ]);
  },
  async journal() {
    const { lines, cold, steps, bare, cpu } = await journalCost(1_000);
    rows.push([
      `what the signed journal costs a step, ${lines} lines`,
      `${(median(steps) - median(bare)).toFixed(1)} ms (${median(steps).toFixed(1)} ms, unsigned and unread ${median(bare).toFixed(1)} ms)`,
      '<= 2 ms',
    ]);
    rows.push([
      'of that, CPU of this process',
      `${(cpu.signed - cpu.bare).toFixed(1)} ms (${cpu.signed.toFixed(1)} ms, unsigned and unread ${cpu.bare.toFixed(1)} ms)`,
      '',
    ]);
    rows.push([`the journal read by a program that starts, ${lines} lines`, `${cold.toFixed(0)} ms`, '']);
  },
  async recovery() {
    const recoveries: number[] = [];
    for (let round = 0; round < 3; round++) {
      recoveries.push(...(await Promise.all(Array.from({ length: 3 }, recoveryTime))));
    }
    rows.push([
      'recovery after kill -9 of a worker',
      `p95 ${(quantile(recoveries, 0.95) / 1_000).toFixed(1)} s, median ${(median(recoveries) / 1_000).toFixed(1)} s (${recoveries.length} kills)`,
      'p95 <= 10 s',
    ]);
  },
};

/** One of them, or all: usage: numbers.js [cost|click|journal|recovery] */
const only = process.argv[2];
for (const [name, measure] of Object.entries(parts)) if (only === undefined || only === name) await measure();

console.log('\n## without peers\n\n| what | measured | goal |\n|---|---|---|');
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
process.exit(0);
