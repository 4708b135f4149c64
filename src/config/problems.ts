import type { z } from 'zod';
import { redact } from '../base/redact.ts';

export type Path = readonly PropertyKey[];

/** Something in the settings that cannot be used. Without `line`, it is looked up by `path`. */
export interface Problem {
  path: Path;
  line?: number;
  message: string;
}

/** One problem per wrong key, with the value that was found unless it is a secret. */
export function problemsOf(error: z.ZodError, value: unknown, secrets: string[]): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n');
      return issue.keys.map((key, index) => ({
        path: [...issue.path, key],
        message: messages[index] ?? 'unknown key',
      }));
    }
    const found = lookUp(value, issue.path);
    const message = issue.message.startsWith('is not') ? `${show(found, secrets)} ${issue.message}` : issue.message;
    return [{ path: issue.path, message }];
  });
}

/** `regions[1].zone` */
export function showPath(path: Path): string {
  return path.reduce<string>((shown, key) => {
    if (typeof key === 'number') return `${shown}[${key}]`;
    return shown === '' ? String(key) : `${shown}.${String(key)}`;
  }, '');
}

function show(found: unknown, secrets: string[]): string {
  if (Array.isArray(found)) return 'a list';
  if (typeof found === 'object' && found !== null) return 'a block';
  const shown = redact(JSON.stringify(found) ?? 'nothing', secrets);
  return shown.length <= 80 ? shown : `${shown.slice(0, 77)}..."`;
}

function lookUp(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((found, key) => {
    if (typeof found !== 'object' || found === null) return undefined;
    return Object.entries(found).find(([name]) => name === String(key))?.[1];
  }, value);
}
