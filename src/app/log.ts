import { type Logger, pino } from 'pino';
import { redact } from '../base/redact.ts';
import { isSecretName } from '../base/secret-names.ts';

/** JSON lines on stderr, so that stdout stays for people. `ZEITWORK_LOG` sets another level than `usual`. */
export function createLog(role: string, usual: 'info' | 'warn' = 'info'): Logger {
  return logTo(pino.destination({ dest: 2, sync: false }), role, process.env.ZEITWORK_LOG ?? usual);
}

/** Whatever is logged passes here: texts are redacted, and of an error only its name, words, code and place are told. */
export function logTo(stream: pino.DestinationStream, role: string, level: string): Logger {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      base: { role },
      // pino's own look at `err` comes first, and would carry along what the error holds.
      serializers: { err: (error: unknown) => error },
      formatters: { log: (fields) => Object.fromEntries(entriesOf(fields, 0)) },
      hooks: {
        logMethod([first, ...rest], log) {
          const words = rest.map((each) => (typeof each === 'string' ? redact(each) : tell(each, 0)));
          const head = typeof first === 'string' ? redact(first) : first instanceof Error ? { err: first } : first;
          // Left to itself, pino takes the words of the error, as they are.
          const unsaid = words.length === 0 && typeof head === 'object' ? [''] : [];
          return Reflect.apply(log, this, [head, ...words, ...unsaid]);
        },
      },
    },
    stream,
  );
}

/** Deeper, and longer, nothing of ours is; what others made is not gone through to its end. */
const deepest = 6;
const most = 200;

function tell(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (value instanceof Error) return toldOf(value, depth);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '(function)' : value;
  if (depth >= deepest) return '(deeper)';
  if (Array.isArray(value)) return value.slice(0, most).map((each) => tell(each, depth + 1));
  return Object.fromEntries(entriesOf(value, depth));
}

/** A name may say that its value is a secret whatever it looks like, so they are looked at together. */
function entriesOf(fields: object, depth: number): [string, unknown][] {
  return Object.entries(fields)
    .slice(0, most)
    .map(([key, value]) => [
      redact(key),
      isSecretName(key, 'quoted') && isText(value) ? '***' : tell(value, depth + 1),
    ]);
}

const isText = (value: unknown) => typeof value === 'string' || value instanceof Uint8Array;

/** Never what hangs on it: headers, bodies and arguments of the request that failed, or the command with its arguments. */
function toldOf(error: Error, depth: number): object {
  const { name, message, stack = '', cause } = error;
  const code = 'code' in error && typeof error.code === 'string' ? { code: redact(error.code) } : {};
  const at = redact(stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 20)
    .map((line) => line.trim());
  const why = cause === undefined || depth >= deepest ? {} : { cause: tell(cause, depth + 1) };
  return { name: redact(name), message: redact(message), ...code, at, ...why };
}
