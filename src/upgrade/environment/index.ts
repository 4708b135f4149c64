export { type Changes, type Difference, type Edited, edit, noChanges, quoted } from './edit.ts';
export { type Assignment, type Environment, isName, parse, unreadable, variables } from './grammar.ts';
export {
  type EnvironmentSeen,
  isHidden,
  type KeyRules,
  keysOf,
  linesToCompare,
  merged,
  noRules,
  type ReadFile,
  type Resolve,
  type Resolved,
  refusedWanted,
  resolved,
  rewritten,
  type ShownDifference,
  type Value,
  type VersionChange,
  type Wanted,
  wantsNothing,
} from './wanted.ts';
