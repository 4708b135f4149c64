import { jsonIn, objectIn } from '../../base/json.ts';
import { redact } from '../../base/redact.ts';
import { type Got, get } from './get.ts';
import type { AlertAnswer, Alerting, AlertSource } from './types.ts';

const timeoutMs = 5_000;
/** Hundreds of alerts; one that fires is enough. */
const limit = 4 * 1024 * 1024;
/** Of what fires, so many are named. */
const named = 5;

type Answer = Extract<Got, { is: 'answered' }>;

const unknown = (reason: string): AlertAnswer => ({ is: 'unknown', reason: redact(reason).slice(0, 200) });

/** Asks whether something fires. Whoever cannot be asked says nothing, and that is no quiet. */
export function createAlerting(source: AlertSource | null): Alerting {
  if (source === null) return { ask: async () => ({ is: 'quiet' }) };
  return {
    async ask(region) {
      const [address, judge] = requestOf(source, region);
      const got = await get(address, { timeoutMs, limit });
      return got.is === 'answered' ? judge(got) : unknown(got.detail);
    },
  };
}

function requestOf(source: AlertSource, region: string): [address: string, judge: (answer: Answer) => AlertAnswer] {
  if ('url' in source) return [source.url.replaceAll('{region}', encodeURIComponent(region)), byStatus];
  const question = new URLSearchParams({ active: 'true', silenced: 'false', inhibited: 'false', unprocessed: 'true' });
  for (const matcher of source.matchers) question.append('filter', matcher.replaceAll('{region}', region));
  const base = source.alertmanager.replace(/\/+$/, '');
  return [`${base}/api/v2/alerts?${question}`, byAlerts];
}

function byStatus({ httpStatus, text }: Answer): AlertAnswer {
  if (httpStatus >= 200 && httpStatus < 300) return { is: 'quiet' };
  const said = text.split('\n').find((line) => line.trim() !== '') ?? '';
  return { is: 'firing', names: [redact(`${httpStatus} ${said}`.trim()).slice(0, 100)] };
}

/** An answer of Alertmanager's `GET /api/v2/alerts`: a list, and in it only what is neither silenced nor inhibited. */
function byAlerts({ httpStatus, text }: Answer): AlertAnswer {
  if (httpStatus !== 200) return unknown(`it answered ${httpStatus} ${text.split('\n')[0] ?? ''}`.trim());
  const list = jsonIn(text);
  if (!Array.isArray(list)) return unknown('it did not answer with a list of alerts');
  if (list.length === 0) return { is: 'quiet' };
  const names = [...new Set(list.map(nameOf))].sort();
  const more = names.length > named ? [`${names.length - named} more`] : [];
  return { is: 'firing', names: [...names.slice(0, named), ...more] };
}

/** As people know it: its name, and where. */
function nameOf(alert: unknown): string {
  const labels = objectIn(objectIn(alert)?.labels) ?? {};
  const [name, instance] = [labels.alertname, labels.instance].map((value) => (typeof value === 'string' ? value : ''));
  const words = instance ? `${name || 'an alert without a name'} on ${instance}` : name || 'an alert without a name';
  return redact(words.replaceAll('\n', ' ')).slice(0, 100);
}
