import type { Mutant } from './mutant.ts';

const report = 'src/upgrade/report';
const pack = ['test/upgrade/report/pack.test.ts'];
const lists = ['test/upgrade/rollout/checklists.test.ts'];
const files = ['test/app/report.test.ts'];

/** What a report claims. */
export const rows: Mutant[] = [
  {
    name: 'a report calls proven what fell sick since',
    file: `${report}/pack.ts`,
    from: "state.is === 'done' && sick === null ? proof",
    to: "state.is === 'done' ? proof",
    tests: ['test/upgrade/report/claims.test.ts'],
  },
  {
    name: 'a report calls unchanged what may have been changed',
    file: `${report}/pack.ts`,
    from: "if (touched || state.is === 'done' || state.is === 'rolled-back') return { is: 'unknown' };",
    to: "if (state.is === 'done' || state.is === 'rolled-back') return { is: 'unknown' };",
    tests: ['test/upgrade/report/claims.test.ts'],
  },
  {
    name: 'a report calls a promise kept that was one minute short',
    file: `${report}/pack.ts`,
    from: 'before !== null && before >= notice.wanted',
    to: 'before !== null && before > 0',
    tests: pack,
  },
  {
    name: 'what a host said becomes markup in a report',
    file: `${report}/text.ts`,
    from: ".replaceAll('<', '&lt;')",
    to: '',
    tests: pack,
  },
  {
    name: 'a report calls a restart a switch to a release',
    file: `${report}/told.ts`,
    from: "isRestartOnly(rollout) ? 'is restarted' :",
    to: "isRestartOnly(rollout) && release === null ? '' :",
    tests: pack,
  },
  {
    name: 'what a host said, shown as evidence, is read as markup',
    file: `${report}/post-mortem.ts`,
    from: "['', codeBlock(evidence, 20)]",
    to: "['- as it was found:', '', codeBlock(evidence, 20)]",
    tests: ['test/upgrade/report/post-mortem.test.ts'],
  },
  {
    name: 'what a host said becomes a link without anybody writing one',
    file: `${report}/text.ts`,
    from: '.replace(/www\\./gi,',
    to: '.replace(/^www\\.$/gi,',
    tests: ['test/upgrade/report/post-mortem.test.ts'],
  },
  {
    name: 'a report is made of an export that lost its last lines',
    file: 'src/app/report.ts',
    from: 'if (lines.at(-1)?.hash !== end.heads[id])',
    to: 'if (lines.length === 0)',
    tests: files,
  },
  {
    name: 'a report is made of lines that nobody checked',
    file: 'src/jobs/exported.ts',
    from: 'if (wrong !== undefined) throw new Tampered(place.journal, wrong.what);',
    to: '',
    tests: files,
  },
  {
    name: 'what a host said becomes markup in the picture of a night',
    file: `${report}/picture.ts`,
    from: ".replaceAll('<', '&lt;').replaceAll('>', '&gt;')",
    to: '',
    tests: ['test/upgrade/report/picture.test.ts'],
  },
  {
    name: 'the picture of a night calls a closed window open',
    file: `${report}/picture.ts`,
    from: 'for (const { start, end } of openings)',
    to: 'for (const { start, end } of [{ start: from, end: to }, ...openings])',
    tests: ['test/upgrade/report/picture.test.ts'],
  },
  {
    name: 'somebody owns what is not over',
    file: 'src/upgrade/rollout/post-mortem.ts',
    from: 'if (isOpen(rollout) || !wentWrong(rollout) ||',
    to: 'if (!wentWrong(rollout) ||',
    tests: ['test/upgrade/report/post-mortem.test.ts'],
  },
  {
    name: 'whoever owns a post-mortem is called the one who decided last',
    file: 'src/upgrade/rollout/next.ts',
    from: "event.type === 'taken-on' || event.type === 'owned')",
    to: "event.type === 'taken-on')",
    tests: ['test/upgrade/report/post-mortem.test.ts'],
  },
  {
    name: 'a post-mortem forgets the cause of what was tried again',
    file: `${report}/pack.ts`,
    from: 'return frames.flatMap(({ line, before, after }) =>',
    to: 'return frames.slice(-1).flatMap(({ line, before, after }) =>',
    tests: ['test/upgrade/report/post-mortem.test.ts'],
  },
  {
    name: 'a node is begun before its checklist is ticked',
    file: 'src/upgrade/rollout/gates.ts',
    from: "  'approval',\n  'checklist',\n",
    to: "  'approval',\n",
    tests: lists,
  },
  {
    name: 'a person ticks what a machine ticks',
    file: 'src/upgrade/rollout/checklists.ts',
    from: 'entry === undefined || checkOf(entry) !== null || !isTickable(rollout, entry)',
    to: 'entry === undefined || !isTickable(rollout, entry)',
    tests: lists,
  },
  {
    name: 'what nobody could tell is ticked',
    file: 'src/upgrade/rollout/checklists.ts',
    from: 'if (untold.length > 0) return',
    to: 'if (untold.length > 99) return',
    tests: lists,
  },
  {
    name: 'a machine ticks of regions that nobody looked at',
    file: 'src/upgrade/rollout/freshness.ts',
    from: 'const isUnseen = own || checked.includes(region);',
    to: 'const isUnseen = own;',
    tests: lists,
  },
  {
    name: 'the tick of one part opens another',
    file: 'src/upgrade/rollout/checklists.ts',
    from: "(entry.list === 'before' || entry.phase?.opens.includes(id))",
    to: "(entry.list === 'before' || (entry.phase !== null && tickOf(rollout, entry).is === 'open' && rollout.ticks === undefined))",
    tests: lists,
  },
  {
    name: 'a tick is taken back once what it was for has begun',
    file: 'src/upgrade/rollout/checklists.ts',
    from: 'return isOpen(rollout) && rollout.startedAt === null;',
    to: 'return isOpen(rollout);',
    tests: lists,
  },
  {
    name: 'somebody without a name ticks',
    file: 'src/bot/commands/checklist.ts',
    from: "await demand(context, asking, { is: 'go-back' });",
    to: "await demand(context, asking, { is: 'look' });",
    tests: ['test/bot/checklist.test.ts'],
  },
  {
    name: 'a worker ticks in the name of a person',
    file: 'src/jobs/replay.ts',
    from: "'item-ticked': ['decisions'],",
    to: "'item-ticked': ['decisions', 'reports'],",
    tests: ['test/jobs/tampered.test.ts'],
  },
];
