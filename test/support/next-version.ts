import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ship } from './shipped.ts';

const root = resolve(import.meta.dirname, '../..');

interface Edit {
  file: string;
  from: string;
  to: string;
}

/** What a release that comes after this one may change of what is shared: all of it at once, and at the first sight of a rollout. */
const edits: Edit[] = [
  { file: 'jobs/journal.ts', from: 'export const meaning = 2;', to: 'export const meaning = 3;' },
  { file: 'upgrade/rollout/lift.ts', from: 'export const format = 3;', to: 'export const format = 4;' },
  {
    file: 'upgrade/rollout/lift.ts',
    from: 'if (stored.format === format ||',
    to: 'if (stored.format === format || stored.format === 3 ||',
  },
  {
    file: 'upgrade/rollout/lift.ts',
    from: 'asked: rollout.asked ?? null,',
    to: "asked: rollout.asked ?? null, weather: rollout.weather ?? 'unknown',",
  },
  {
    file: 'upgrade/rollout/next.ts',
    from: "    case 'watched':",
    to: "    case 'weathered':\n      return rollout.weather === event.is ? rollout : { ...rollout, weather: event.is };\n    case 'watched':",
  },
  {
    file: 'jobs/replay.ts',
    from: "ticked: ['decisions', 'reports'],",
    to: "ticked: ['decisions', 'reports'], weathered: ['decisions', 'reports'],",
  },
  {
    file: 'jobs/tick.ts',
    from: 'const at = clock.now();',
    to: "const at = clock.now();\n    if (rollout.weather === 'unknown') await record(id, { type: 'weathered', at, is: 'fine' });",
  },
  { file: 'jobs/advance.ts', from: '{ task }, {', to: "{ task, weather: 'fine' }, {" },
  {
    file: 'config/schema.ts',
    from: "order: withDefault('next-opening',",
    to: "weather: withDefault('any', oneOf(['any', 'fine'])),\n  order: withDefault('next-opening',",
  },
];

/** A setting that the next version has, and this one does not know. */
export const settingOfNext = { weather: 'fine' };

/**
 * This product as a later release could be, below `directory`: it writes lines of a new kind, state in a new format, jobs with
 * another field, and knows another setting. Made of what lies here, so that it needs no history and never grows old. Returns where it is compiled.
 * @throws Error when a line to be changed is not there exactly once
 */
export function buildNext(directory: string): string {
  const build = join(directory, 'next');
  mkdirSync(build, { recursive: true });
  for (const name of ['src', 'sandbox', 'scripts']) cpSync(join(root, name), join(build, name), { recursive: true });
  for (const name of ['package.json', 'slack-manifest.yaml', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(root, name), join(build, name));
  symlinkSync(realpathSync(join(root, 'node_modules')), join(build, 'node_modules'));
  for (const { file, from, to } of edits) {
    const path = join(build, 'src', file);
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${JSON.stringify(from)} is not exactly once in src/${file}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  const shipped = join(directory, 'next-shipped');
  ship(build, shipped);
  return shipped;
}
