import { type Logger, pino } from 'pino';

/** JSON lines on stderr, so that stdout stays for people. `ZEITWORK_LOG` sets another level than `usual`. */
export function createLog(role: string, usual: 'info' | 'warn' = 'info'): Logger {
  const level = process.env.ZEITWORK_LOG ?? usual;
  return pino({ level, base: { role } }, pino.destination({ dest: 2, sync: false }));
}
