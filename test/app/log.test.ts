import { describe, expect, it } from 'vitest';
import { logTo } from '../../src/app/log.ts';
import { shapes } from '../base/secrets.ts';

function logged(write: (log: ReturnType<typeof logTo>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(logTo({ write: (line) => lines.push(line) }, 'bot', 'info'));
  return lines.map((line) => JSON.parse(line));
}

const secret = 'hunter2-hunter2-hunter2';

/** As the libraries that we use make them: what was asked for hangs on what was thrown. */
const failed = () =>
  Object.assign(new Error(`connect redis://zw:${secret}@redis:6379 failed`), {
    code: 'ECONNREFUSED',
    config: { headers: { Authorization: `Bearer ${secret}` }, data: { token: secret } },
    request: { body: `token=${secret}`, args: ['AUTH', 'bot', secret] },
    command: { name: 'auth', args: [secret] },
    cause: Object.assign(new Error(`password=${secret}`), { response: { text: secret } }),
  });

describe('the log', () => {
  it('tells the time as people read it, in UTC', () => {
    const [line] = logged((log) => log.info('ready'));
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it.each<[string, (log: ReturnType<typeof logTo>) => void]>([
    ['under err', (log) => log.error({ err: failed() }, 'command failed')],
    ['under any name', (log) => log.error({ reason: failed(), deep: { er: [failed()] } }, 'failed')],
    ['under err, without words', (log) => log.error({ err: failed() })],
    ['alone', (log) => log.error(failed())],
    ['alone, with words', (log) => log.error(failed(), `could not: ${failed().message}`)],
    ['of a child', (log) => log.child({ part: 'slack' }).error({ err: failed() }, 'failed')],
  ])('tells name, words, code and place of an error, and nothing that hangs on it: %s', (_, write) => {
    const [line] = logged(write);
    const text = JSON.stringify(line);
    expect(text).not.toContain('hunter2');
    expect(text).toContain('ECONNREFUSED');
    expect(text).toContain('log.test.ts');
    expect(text).not.toMatch(/config|request|args|response/);
  });

  it('holds no secret of any shape, in what is said and in what is said besides', () => {
    const leaking = shapes
      .filter(({ bare }) => !bare)
      .filter(({ before, secret: value, after }) => {
        const text = before + value + after;
        const lines = logged((log) => {
          log.info(text);
          log.warn({ detail: text, list: [text], deep: { er: { still: text } } }, text);
          log.error({ err: new Error(text) }, 'failed');
        });
        const told = JSON.stringify(lines);
        return value.split('\n').some((line) => told.includes(JSON.stringify(line).slice(1, -1)));
      });
    expect(leaking.map(({ name }) => name)).toEqual([]);
  });

  it('hides what stands under the name of a secret, and keeps the rest', () => {
    const [line] = logged((log) =>
      log.info({ botToken: secret, tokens: 3, region: 'us-east', at: 7, ok: true, none: null }, 'x'),
    );
    expect(line).toMatchObject({
      role: 'bot',
      botToken: '***',
      tokens: 3,
      region: 'us-east',
      at: 7,
      ok: true,
      none: null,
      msg: 'x',
    });
  });

  it('is written although what is to be told has no end', () => {
    const round: Record<string, unknown> = { name: 'round' };
    round.self = round;
    const [line] = logged((log) => log.info({ round, many: Array(10_000).fill('x') }, 'still here'));
    expect(line).toMatchObject({ msg: 'still here' });
    expect(JSON.stringify(line).length).toBeLessThan(5_000);
  });
});
