/** One line of the product, broken on purpose. At least one of `tests` must fail, by an assertion and not by a crash at import. */
export interface Mutant {
  /** What would go wrong, in words. */
  name: string;
  file: string;
  from: string;
  to: string;
  tests: string[];
}

const core = 'src/upgrade/rollout';
const harms = ['test/upgrade/rollout/harms.test.ts'];
const chance = ['test/upgrade/rollout/faults.property.test.ts'];
const transcripts = ['test/upgrade/rollout/transcripts.test.ts'];
const step = ['test/jobs/step.test.ts'];
const nights = ['test/upgrade/rollout/long-nights.test.ts'];
const steps = 'src/upgrade/steps';
const fence = ['test/upgrade/steps/fence.test.ts'];
const foreign = ['test/upgrade/steps/foreign.test.ts'];
const leftovers = ['test/upgrade/steps/leftovers.test.ts'];

export const mutants: Mutant[] = [
  {
    name: 'the rollout is read before the probes',
    file: 'src/jobs/step.ts',
    from: 'const newest = await store.load(task.rollout);',
    to: 'const newest = before;',
    tests: step,
  },
  {
    name: 'a step runs although it was not due any more when its intent was written',
    file: 'src/jobs/step.ts',
    from: "if (!isDue(rollout, task, at)) return 'dropped';",
    to: '',
    tests: step,
  },
  {
    name: 'a report of an older run counts',
    file: `${core}/next.ts`,
    from: '!isOpen(rollout) || event.run !== rollout.run || event.attempt !== node.attempt) return null;',
    to: '!isOpen(rollout)) return null;',
    tests: harms,
  },
  {
    name: 'a node fits into a window that closes now',
    file: `${core}/gates.ts`,
    from: 'if (open && fits(open, now, needed)) return null;',
    to: 'if (open && fits(open, now, 0)) return null;',
    tests: ['test/upgrade/rollout/gates.test.ts'],
  },
  {
    name: 'freezes are ignored',
    file: `${core}/gates.ts`,
    from: 'return frozen ? shut(',
    to: 'return frozen && now < 0 ? shut(',
    tests: ['test/upgrade/rollout/gates.test.ts'],
  },
  {
    name: 'a gate forgets that the node may be changed',
    file: `${core}/reports.ts`,
    from: 'if (!event.unchanged) return goOnOrGiveUp',
    to: 'if (!event.unchanged && false) return goOnOrGiveUp',
    tests: harms,
  },
  {
    name: 'the same, found by chance',
    file: `${core}/reports.ts`,
    from: 'if (!event.unchanged) return goOnOrGiveUp',
    to: 'if (!event.unchanged && false) return goOnOrGiveUp',
    tests: chance,
  },
  {
    name: 'a rollback takes nodes that this rollout did not change',
    file: `${core}/queries.ts`,
    from: '.filter((node) => node.touched && inScope(node, scope))',
    to: '.filter((node) => inScope(node, scope))',
    tests: chance,
  },
  {
    name: 'silence counts as down',
    file: `${core}/gates.ts`,
    from: "standing[node.name] === 'down') return null;",
    to: "standing[node.name] !== 'healthy') return null;",
    tests: harms,
  },
  {
    name: 'the same, found by chance',
    file: `${core}/gates.ts`,
    from: "standing[node.name] === 'down') return null;",
    to: "standing[node.name] !== 'healthy') return null;",
    tests: chance,
  },
  {
    name: 'one bad answer proves that a node is down',
    file: 'src/jobs/evidence.ts',
    from: 'if (time === looks.times) return',
    to: 'if (time === 1) return',
    tests: ['test/jobs/evidence.test.ts'],
  },
  {
    name: 'a time-out proves that a node is down',
    file: 'src/jobs/evidence.ts',
    from: 'health.refused === true',
    to: 'true',
    tests: ['test/jobs/evidence.test.ts'],
  },
  {
    name: 'a try that was begun twice is the same try',
    file: `${core}/next.ts`,
    from: 'return state.since === event.at ? rollout : lost(rollout, due, event.at);',
    to: 'return rollout;',
    tests: harms,
  },
  {
    name: 'an intent does not make a switch possibly changed',
    file: `${core}/next.ts`,
    from: 'return { begun: attempt, uncertain: true, ...touched };',
    to: 'return { begun: attempt };',
    tests: harms,
  },
  {
    name: 'a rollback goes newest first, whoever is sick',
    file: `${core}/todo.ts`,
    from: 'sickness(rollout, b) - sickness(rollout, a) || ',
    to: '',
    tests: harms,
  },
  {
    name: 'a stop waits for a rollback that cannot go on',
    file: `${core}/reports.ts`,
    from: "return status.is === 'stopping' || (status.is === 'rolling-back'",
    to: "return (status.is === 'rolling-back'",
    tests: [...harms, ...chance],
  },
  {
    name: 'a narrower scope is refused',
    file: `${core}/decisions.ts`,
    from: 'if (isInside(asked, now) || isInside(now, asked)) return asked;',
    to: 'if (isInside(asked, now)) return now;',
    tests: harms,
  },
  {
    name: 'the next node is begun without a look at what is finished',
    file: `${core}/gates.ts`,
    from: 'return last === null ? [] : [last];',
    to: 'return [];',
    tests: harms,
  },
  {
    name: 'the last word needs no proof',
    file: `${core}/settle.ts`,
    from: 'nodesInOrder(rollout).length && unprovenRegions(rollout, at).length === 0;',
    to: 'nodesInOrder(rollout).length;',
    tests: harms,
  },
  {
    name: 'a broken proof that answers healthy is not sick',
    file: `${core}/looks.ts`,
    from: "const isSick = seen.proof === 'broken' || misses >= missesAllowed;",
    to: "const isSick = misses >= missesAllowed && seen.standing !== 'healthy';",
    tests: harms,
  },
  {
    name: 'a bake counts a gap of hours',
    file: `${core}/looks.ts`,
    from: 'capped(at - batch.healthyAt, 2 * rollout.policy.watch)',
    to: '(at - batch.healthyAt)',
    tests: harms,
  },
  {
    name: 'sickness does not start a bake again',
    file: `${core}/looks.ts`,
    from: 'return replace({ healthyFor: 0, healthyAt: null });',
    to: 'return replace({ healthyAt: null });',
    tests: harms,
  },
  {
    name: 'nobody looks while an approval is waited for',
    file: `${core}/watching.ts`,
    from: '...idle(rollout)]',
    to: ']',
    tests: harms,
  },
  {
    name: 'an expired approval opens the gate until a tick comes by',
    file: `${core}/gates.ts`,
    from: 'if (now - approved.at > rollout.policy.approvalExpires) {',
    to: 'if (now < 0) {',
    tests: harms,
  },
  {
    name: 'an approval outlives its bake',
    file: `${core}/gates.ts`,
    from: 'if (before === undefined || approved.bake === before.bakedAt) return null;',
    to: 'return null;',
    tests: harms,
  },
  {
    name: 'an approval stays behind a rollback',
    file: `${core}/decisions.ts`,
    from: '(first >= 0 && index > first ? unasked(batch) : batch)',
    to: 'batch',
    tests: harms,
  },
  {
    name: 'a failure swallows a rollback that was asked for',
    file: `${core}/reports.ts`,
    from: "if (status.is === 'rolling-back') return moveStatus(rollout, { ...status, after: { node: node.name, reason } });",
    to: '',
    tests: harms,
  },
  {
    name: 'a rollback that failed forgets what it had left',
    file: `${core}/reports.ts`,
    from: "const pending = status.is === 'held' ? status.pending : cutShort;",
    to: 'const pending = null;',
    tests: harms,
  },
  {
    name: 'an override never ends',
    file: `${core}/gates.ts`,
    from: 'override !== null && now < override.until;',
    to: 'override !== null;',
    tests: harms,
  },
  {
    name: 'an override outlives a freeze that was declared after it',
    file: `${core}/gates.ts`,
    from: 'overridden(rollout, now) ? since : [...calendar.freezes, ...since]',
    to: 'overridden(rollout, now) ? [] : [...calendar.freezes, ...since]',
    tests: harms,
  },
  {
    name: 'a decision about one build of somebody counts for another',
    file: `${core}/decisions.ts`,
    from: 'foreign === null || foreign.sha256 !== event.sha256 ||',
    to: 'foreign === null ||',
    tests: harms,
  },
  {
    name: 'a clock that jumps ends the pause',
    file: `${core}/rest.ts`,
    from: 'return rest === null ? Number.POSITIVE_INFINITY : rest.ms + capped(now - rest.at, largestGap);',
    to: 'return rest === null ? Number.POSITIVE_INFINITY : rest.ms + (now - rest.at);',
    tests: harms,
  },
  {
    name: 'a region without a worker is not told',
    file: `${core}/unattended.ts`,
    from: "silent.includes(region) ? 'no worker' :",
    to: '',
    tests: harms,
  },
  {
    name: 'a node is begun while another is staged',
    file: `${core}/gates.ts`,
    from: 'const beforeLooks: Rule[] = [status, schedule, staged, turn,',
    to: 'const beforeLooks: Rule[] = [status, schedule, turn,',
    tests: chance,
  },
  {
    name: 'the requester approves',
    file: `${core}/decisions.ts`,
    from: 'if (by === rollout.requester && !rollout.policy.selfApproval) return rollout;',
    to: '',
    tests: transcripts,
  },
  {
    name: 'a backup is removed and made again',
    file: `${steps}/scripts/backup.ts`,
    from: `    touch -c "$backup" || : # cleanup keeps those that were used last
    return 0
`,
    to: `    rm -rf "$backup"
`,
    tests: leftovers,
  },
  {
    name: 'the switch does not look at the file on disk',
    file: `${steps}/scripts/switch.ts`,
    from: '"$replace_disk") ;; *) refuse drift-disk "$disk" ;; esac',
    to: '*) ;; esac',
    tests: foreign,
  },
  {
    name: 'the switch does not look at what runs',
    file: `${steps}/scripts/switch.ts`,
    from: '"$replace_image") ;; *) refuse drift "$image" ;; esac',
    to: '*) ;; esac',
    tests: foreign,
  },
  {
    name: 'nobody looks for somebody’s work before the switch',
    file: `${steps}/switch.ts`,
    from: 'const left = await leave(context, strangers, since);',
    to: 'const left = await leave(context, [], since);',
    tests: foreign,
  },
  {
    name: 'an abort is not heard between the gates and the stop',
    file: `${steps}/stop.ts`,
    from: `unchanged });
  signal.throwIfAborted();`,
    to: 'unchanged });',
    tests: fence,
  },
  {
    name: 'old evidence stops a service',
    file: `${steps}/stop.ts`,
    from: 'if (clock.monotonic() - asked > fresh)',
    to: 'if (clock.monotonic() < 0)',
    tests: fence,
  },
  {
    name: 'the fence ignores the try',
    file: `${steps}/scripts/fence.ts`,
    from: '[ "$held" -eq "$epoch" ] && [ "$held_try" -gt "$try" ]; }; then',
    to: 'false; }; then',
    tests: fence,
  },
  {
    name: 'the fence ignores the run',
    file: `${steps}/scripts/fence.ts`,
    from: 'if [ "$held" -gt "$epoch" ] || {',
    to: 'if {',
    tests: fence,
  },
  {
    name: 'a look before a change does not raise the fence',
    file: `${steps}/scripts/fence.ts`,
    from: '[ "$held" -eq "$epoch" ] && [ "$held_try" -eq "$try" ] || write',
    to: 'true || write',
    tests: fence,
  },
  {
    name: 'the lock is not taken',
    file: `${steps}/scripts/fence.ts`,
    from: "    1) say refused 'busy -'; exit 75 ;;",
    to: '    1) ;;',
    tests: ['test/upgrade/steps/steps.test.ts', ...fence],
  },
  {
    name: 'a rollback overwrites an environment that somebody changed',
    file: `${steps}/foreign.ts`,
    from: "['env', seen.env, sameEnv(seen, before, rollout)],\n  ]);\n}\n\n/** What a switch",
    to: ']);\n}\n\n/** What a switch',
    tests: foreign,
  },
  {
    name: 'the script of a rollback overwrites a build that somebody put there after the look',
    file: `${steps}/scripts/restore.ts`,
    from: '[ "$strange_disk" = "$replace_disk" ] || refuse foreign-disk "$strange_disk"',
    to: ':',
    tests: foreign,
  },
  {
    name: 'a rollback overwrites a build that somebody installed',
    file: `${steps}/foreign.ts`,
    from: 'const known = (sha256: string | null) => [null, before.sha256, rollout.release.binarySha256].includes(sha256);',
    to: 'const known = (_: string | null) => true;',
    tests: foreign,
  },
  {
    name: 'what somebody put there is not kept',
    file: `${steps}/scripts/restore.ts`,
    from: '[ -z "$strange_disk" ] || keep_aside binary "$binary" "$disk"',
    to: ':',
    tests: foreign,
  },
  {
    name: 'a damaged backup is put back',
    file: `${steps}/scripts/backup.ts`,
    from: '= "$before" ] || refuse damaged "$backup/binary"',
    to: '= "$before" ] || :',
    tests: ['test/upgrade/steps/harm.test.ts'],
  },
  {
    name: 'a staged binary that nobody may run is asked again as root',
    file: `${steps}/scripts/observe.ts`,
    from: 'elif ! $nobody true 2>/dev/null; then say version unasked; return 0; fi',
    to: 'elif ! $nobody true 2>/dev/null; then nobody=; fi',
    tests: ['test/upgrade/steps/harm.test.ts'],
  },
  {
    name: 'a reason from a node is not redacted',
    file: `${steps}/answer.ts`,
    from: 'const text = redact(outcome.stderr.slice(-16 * 1024));',
    to: 'const text = outcome.stderr.slice(-16 * 1024);',
    tests: ['test/upgrade/steps/answer.test.ts'],
  },
  {
    name: 'an answer of any size is read',
    file: `${steps}/answer.ts`,
    from: 'if (lines > limits.lines || total > limits.total) return { said, cut: true };',
    to: '',
    tests: ['test/upgrade/steps/answer.test.ts'],
  },
  {
    name: 'half ours and half somebody’s counts as untouched',
    file: `${core}/reports.ts`,
    from: 'report.facts.clean === true)',
    to: 'true)',
    tests: nights,
  },
  {
    name: 'a rollback picks by looks from before it was asked for',
    file: `${core}/todo.ts`,
    from: 'if (looksBeforePick(rollout, regions, rollout.status.at, now).length > 0) return null;',
    to: 'if (looksBeforePick(rollout, regions, 0, now).length > 0) return null;',
    tests: harms,
  },
  {
    name: 'an approval that expires in the middle of its region is never asked for again',
    file: `${core}/next.ts`,
    from: 'given && at - given.at > rollout.policy.approvalExpires && waits(nodes) ?',
    to: 'given && at < 0 && waits(nodes) ?',
    tests: nights,
  },
];
