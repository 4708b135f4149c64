export { type Changes, type Difference, type Edited, edit, noChanges, quoted } from './edit.ts';
export { type Assignment, type Environment, isName, parse, unreadable, variables } from './grammar.ts';
