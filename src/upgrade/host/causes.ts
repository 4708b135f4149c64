import type { NextStep } from '../rollout/types.ts';

/** Where a cause is looked for: the parts of a capture, each as lines. `course` and `outside` are told by diagnosis.ts. */
export type Part =
  /** `Property=value`, as systemctl shows them. */
  | 'unit'
  /** What unit and service wrote since they were last stopped on purpose, while the service is ill. */
  | 'journal'
  /** What is wrong with the binary: `missing`, `not executable`. */
  | 'files'
  /** A directory and what is wrong with it: `full`, `no inodes`, `read-only`. */
  | 'place'
  /** The program that runs, as the kernel names it. */
  | 'running'
  /** How the process fared. */
  | 'course'
  /** What health says, and whether the clock is right. */
  | 'outside'
  /** Why nothing could be captured at all. */
  | 'answer';

export interface Cause {
  name: string;
  in: Part;
  like: RegExp;
  /**
   * `{line}`: the message of the line that shows it; `{1}`: what the first brackets matched; `{by}`: who
   * holds the port; `{error}`: the last error; `{unit}`, `{binary}`: as the settings have them.
   */
  says: string;
  /** What a person does about it. */
  mend: string;
  next: NextStep;
}

const theNode = 'mend that on the node, then try again';
const theRelease = 'this build does not run here: go back, and stop it';

/** Named by systemd, the kernel or the loader. */
// biome-ignore format: a table is read by its rows
const exact: Cause[] = [
  { name: 'sudo-refused', in: 'answer', like: /^sudo (?:asks|refuses|is not)/, says: 'the node cannot be looked at: {line}', mend: theNode, next: 'look' },
  { name: 'unit-missing', in: 'unit', like: /^LoadState=not-found$/, says: 'there is no unit {unit} on the node', mend: 'put the unit file back, then try again', next: 'look' },
  { name: 'unit-masked', in: 'unit', like: /^LoadState=masked$/, says: 'the unit {unit} is masked: somebody keeps it from starting', mend: 'ask who masked it; `systemctl unmask` undoes it', next: 'look' },
  { name: 'unit-broken', in: 'unit', like: /^LoadState=(?:bad-setting|error)$/, says: 'systemd cannot read the unit file of {unit}', mend: 'mend the unit file, then try again', next: 'look' },
  { name: 'disk-full', in: 'place', like: /^(.+) is full/, says: 'the disk is full', mend: 'free space on the node, then try again', next: 'look' },
  { name: 'disk-full-told', in: 'journal', like: /No space left on device|ENOSPC/, says: 'the disk is full', mend: 'free space on the node, then try again', next: 'look' },
  { name: 'inodes-gone', in: 'place', like: /^(.+) has no inodes/, says: 'the disk has no room for more files (inodes)', mend: 'remove files on the node, then try again', next: 'look' },
  { name: 'read-only', in: 'place', like: /^(.+) is read-only/, says: 'the file system of {1} is read-only', mend: 'look at the disk of the node (dmesg) before anything else', next: 'look' },
  { name: 'read-only-told', in: 'journal', like: /Read-only file system|EROFS/, says: 'a file system is read-only: {line}', mend: 'look at the disk of the node (dmesg) before anything else', next: 'look' },
  { name: 'binary-missing', in: 'files', like: /^missing$/, says: 'the binary is missing: {binary}', mend: 'go back, which puts the old one in its place', next: 'rollback' },
  { name: 'not-executable', in: 'files', like: /^not executable$/, says: 'the binary is not executable: {binary}', mend: 'go back, which puts the old one in its place', next: 'rollback' },
  { name: 'wrong-architecture', in: 'journal', like: /Exec format error/, says: 'the binary cannot be executed: it is made for another machine, or is no program', mend: theRelease, next: 'rollback' },
  { name: 'directory-closed', in: 'journal', like: /Failed at step EXEC .*Permission denied/, says: 'the binary cannot be executed: its user may not enter a directory above it, or not run it', mend: theNode, next: 'look' },
  { name: 'library-missing', in: 'journal', like: /error while loading shared libraries: (\S+):/, says: 'a shared library is missing on the node: {1}', mend: theRelease, next: 'rollback' },
  { name: 'library-too-old', in: 'journal', like: /version `(\S+)' not found/, says: 'the binary wants a newer library than the node has: {1}', mend: theRelease, next: 'rollback' },
  { name: 'environment-missing', in: 'journal', like: /Failed to load environment files?: (.+)$/, says: 'its environment file cannot be read: {1}', mend: 'put the file back, then try again', next: 'look' },
  { name: 'user-missing', in: 'journal', like: /status=217\/USER/, says: 'the user that the unit names does not exist on the node', mend: theNode, next: 'look' },
  { name: 'group-missing', in: 'journal', like: /status=216\/GROUP/, says: 'the group that the unit names does not exist on the node', mend: theNode, next: 'look' },
  { name: 'directory-missing', in: 'journal', like: /status=200\/CHDIR/, says: 'the working directory that the unit names is missing or closed', mend: theNode, next: 'look' },
  { name: 'out-of-memory', in: 'unit', like: /^Result=oom-kill$/, says: 'the kernel killed it: there was no memory left', mend: 'look at memory on the node; a build that needs more than the last one goes back', next: 'rollback' },
  { name: 'out-of-memory-told', in: 'journal', like: /killed by the OOM killer|result 'oom-kill'/, says: 'the kernel killed it: there was no memory left', mend: 'look at memory on the node; a build that needs more than the last one goes back', next: 'rollback' },
  { name: 'crashed', in: 'journal', like: /code=(?:killed|dumped), status=(?:\d+)\/(ILL|ABRT|BUS|FPE|SEGV|SYS)/, says: 'it crashes (signal {1})', mend: theRelease, next: 'rollback' },
];

/** In the words of the service itself. */
// biome-ignore format: a table is read by its rows
const told: Cause[] = [
  { name: 'port-in-use', in: 'journal', like: /address (?:is )?already in use|EADDRINUSE/i, says: 'its port is taken{by}: {line}', mend: 'see what holds the port, and stop that', next: 'look' },
  { name: 'address-missing', in: 'journal', like: /cannot assign requested address|EADDRNOTAVAIL/i, says: 'it listens on an address that the node does not have: {line}', mend: 'mend the address in its environment, then try again', next: 'look' },
  { name: 'too-many-files', in: 'journal', like: /too many open files|EMFILE|ENFILE/i, says: 'it may open no more files: {line}', mend: 'raise LimitNOFILE of the unit, or go back', next: 'rollback' },
  { name: 'database-auth', in: 'journal', like: /(?:password|peer|ident|\S+) authentication failed for user|Access denied for user|no pg_hba\.conf entry/i, says: 'the database refuses its user: {line}', mend: 'mend user and password in its environment, then try again', next: 'look' },
  { name: 'database-refused', in: 'journal', like: /(?:database|postgres|psql|mysql|connection to server|\bpg\b|:5432|:3306).*(?:connection refused|ECONNREFUSED)/i, says: 'the database cannot be reached: {line}', mend: 'see whether the database runs; then try again', next: 'retry' },
  { name: 'name-unknown', in: 'journal', like: /temporary failure in name resolution|name or service not known|no such host|ENOTFOUND|EAI_AGAIN|could not resolve host/i, says: 'a name cannot be resolved: {line}', mend: 'see whether DNS answers on the node; then try again', next: 'retry' },
  { name: 'certificate-expired', in: 'journal', like: /certificate has expired(?! or)|CERT_HAS_EXPIRED|certificate .*is after/i, says: 'a certificate has expired: {line}', mend: 'renew the certificate, then try again', next: 'retry' },
  { name: 'certificate-early', in: 'journal', like: /certificate is not yet valid|CERT_NOT_YET_VALID|certificate .*is before/i, says: 'a certificate is not valid yet, or the clock is off: {line}', mend: 'look at the clock of the node', next: 'look' },
  { name: 'key-missing', in: 'journal', like: /^(?!.*\b(?:using|defaults?|defaulting|optional|falls? back|falling back|disabled|ignor(?:ed|ing))\b)(?:.*?)(?:\b[A-Z][A-Z0-9]*_[A-Z0-9_]+ (?:is|was) (?:not set|missing|required|undefined|empty)|(?:missing|required) (?:required )?(?:environment|configuration|config) (?:variable|key|setting)|environment variable \S+ (?:is |was )?(?:not set|missing|required|not found))/i, says: 'a key is missing in its environment: {line}', mend: 'go back; add the key before it is tried again', next: 'rollback' },
  { name: 'permission-denied', in: 'journal', like: /permission denied|EACCES|operation not permitted/i, says: 'permission denied: {line}', mend: theNode, next: 'look' },
  { name: 'not-executed', in: 'journal', like: /status=203\/EXEC|Failed at step EXEC/, says: 'the binary cannot be executed', mend: theRelease, next: 'rollback' },
  { name: 'old-process', in: 'running', like: / \(deleted\)$/, says: 'the process from before still runs: its file was replaced, and it was not restarted', mend: 'try again, which restarts it; or go back', next: 'retry' },
  { name: 'clock-off', in: 'outside', like: /^the clock of the node (?:is behind|goes ahead)/, says: '{line}', mend: 'set the clock of the node, then try again', next: 'look' },
];

/** How it went, where nothing says why. */
// biome-ignore format: a table is read by its rows
const course: Cause[] = [
  { name: 'panicked', in: 'journal', like: /panicked at|^panic: |goroutine \d+ \[|Traceback \(most recent call last\)|Unhandled exception|UnhandledPromiseRejection|^Uncaught |Exception in thread| called at \S+ line \d+/, says: 'it stops in the middle of its own code: {line}', mend: theRelease, next: 'rollback' },
  { name: 'stopped', in: 'course', like: /^was stopped/, says: 'it {line}', mend: 'ask who stopped it before it is started', next: 'look' },
  { name: 'disabled', in: 'course', like: /^the unit is disabled/, says: '{line}', mend: 'ask who disabled it; `systemctl enable` undoes it', next: 'look' },
  { name: 'exits', in: 'course', like: /^exits at start/, says: '{line}{error}', mend: theRelease, next: 'rollback' },
  { name: 'dies', in: 'course', like: /^dies after/, says: '{line}{error}', mend: theRelease, next: 'rollback' },
  { name: 'start-limit', in: 'journal', like: /Start request repeated too quickly/, says: 'systemd has given up starting it', mend: theRelease, next: 'rollback' },
  { name: 'killed', in: 'course', like: /^was killed/, says: 'it {line}', mend: 'see who or what killed it; then try again', next: 'look' },
  { name: 'start-timeout', in: 'journal', like: /start operation timed out/, says: 'it did not say in time that it is ready, and systemd ended it', mend: theRelease, next: 'rollback' },
  { name: 'down', in: 'course', like: /^does not run/, says: 'the service {line}{error}', mend: 'look at what it wrote', next: 'look' },
  { name: 'restarting', in: 'course', like: /^keeps being restarted/, says: '{line}{error}', mend: theRelease, next: 'rollback' },
];

/** What is seen from outside. */
// biome-ignore format: a table is read by its rows
const outside: Cause[] = [
  { name: 'other-version', in: 'outside', like: /^answers as /, says: 'runs, but {line}', mend: 'this is not the build that was meant: go back', next: 'rollback' },
  { name: 'unhealthy', in: 'outside', like: /^says it is /, says: 'runs, but {line}{error}', mend: theRelease, next: 'rollback' },
  { name: 'never-healthy', in: 'outside', like: /^never becomes healthy/, says: 'runs, but {line}{error}', mend: theRelease, next: 'rollback' },
  { name: 'silent', in: 'outside', like: /^health does not answer/, says: 'runs, but {line}{error}', mend: 'see whether it listens where health is asked', next: 'look' },
];

/** Of the first group in which any is shown, all that are shown are named. */
export const causes: readonly Cause[][] = [exact, told, course, outside];
