import { search } from '@jmespath-community/jmespath';
import { firstOf } from '../../base/cut.ts';
import { jsonIn, objectIn } from '../../base/json.ts';
import { plainLine } from '../../base/plain.ts';
import { reasonOf } from '../../base/reasons.ts';
import { redact } from '../../base/redact.ts';
import { spelled } from '../../base/version.ts';
import type { AgentGroup, Agents, Inventory, Told } from '../compatibility/types.ts';
import { get } from './get.ts';
import type { AskInventory, InventorySource, Question } from './types.ts';

const timeoutMs = 5_000;
/** Thousands of agents. */
const limit = 1024 * 1024;
/** Of one version so many agents are named, out of the first so many of them, and a fleet has not more versions than these. */
const most = { names: 3, asked: 50, versions: 100 };

/** What a host says, as much of it as anybody wants to read, without what a terminal or a chat would obey. */
const tame = (text: string, length = 63): string => plainLine(redact(firstOf(text, 2_000))).slice(0, length);

const unknown = (reason: string): { is: 'unknown'; reason: string } => ({ is: 'unknown', reason: tame(reason, 200) });

/** Asks a node's side for the versions that a plan is judged by. What cannot be read is unknown, never a version. */
export function createInventory(source: InventorySource | null): AskInventory {
  if (source === null) return async () => ({});
  const { agents, schema } = source;
  return async (node): Promise<Inventory> => {
    const [agentsThere, schemaThere] = await Promise.all([
      agents === null ? null : asked(agents, node, agentsIn),
      schema === null ? null : asked(schema, node, schemaIn),
    ]);
    return {
      ...(agentsThere === null ? {} : { agents: agentsThere }),
      ...(schemaThere === null ? {} : { schema: schemaThere }),
    };
  };
}

async function asked<T>({ urls, select }: Question, node: string, read: (value: unknown) => Told<T>): Promise<Told<T>> {
  const url = Object.hasOwn(urls, node) ? urls[node] : undefined;
  if (url === undefined) return unknown(`no address is configured for ${node}`);
  const got = await get(url, { timeoutMs, limit });
  if (got.is !== 'answered') return unknown(got.detail);
  if (got.httpStatus !== 200) return unknown(`it answered ${got.httpStatus}`);
  const answer = jsonIn(got.text);
  if (answer === undefined) return unknown('it did not answer with JSON');
  try {
    return read(search(answer as Parameters<typeof search>[0], select));
  } catch (error) {
    return unknown(`${select} cannot be found in its answer: ${reasonOf(error)}`);
  }
}

/** In small letters, like names: what looks like somebody's id in the chat would call them there. */
const versionIn = (said: string): string | null => spelled(said.toLowerCase());

/** One version, of the node's own agent; or a list: of versions, or of objects with `version` and, where there is one, `name`. */
function agentsIn(found: unknown): Told<Agents> {
  if (typeof found === 'string') {
    const version = versionIn(found);
    if (version === null) return unknown('its answer has no version of an agent there');
    return { is: 'told', what: { listed: false, groups: [{ version, count: 1, names: [] }] } };
  }
  if (!Array.isArray(found)) return unknown('its answer has no versions of agents there');
  if (found.length === 0) return unknown('its answer lists no agents');
  const groups = new Map<string | null, AgentGroup>();
  for (const each of found) {
    const { name, version: said }: Record<string, unknown> = objectIn(each) ?? { version: each };
    const version = typeof said === 'string' ? versionIn(said) : null;
    const { count = 0, names = [] } = groups.get(version) ?? {};
    // Making a name fit to be shown takes its time, and an answer may have a hundred thousand of them.
    const isAsked = typeof name === 'string' && count < most.asked && names.length < most.names;
    const called = isAsked ? tame(name).toLowerCase() : '';
    groups.set(version, { version, count: count + 1, names: called === '' ? names : [...names, called] });
    if (groups.size > most.versions) return unknown(`its answer has more than ${most.versions} versions of agents`);
  }
  return { is: 'told', what: { listed: true, groups: [...groups.values()] } };
}

function schemaIn(found: unknown): Told<number> {
  const number = typeof found === 'string' && /^\d{1,15}$/.test(found) ? Number(found) : found;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return { is: 'told', what: number };
  return unknown('its answer has no version of the schema there');
}
