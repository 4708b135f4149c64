import type { Journal } from './journal.ts';
import type { Unit as AnyUnit } from './unit.ts';

/** What a command printed and how it ended. */
export interface Answer {
  code: number;
  out: string;
  err: string;
}

type Unit = Pick<AnyUnit, 'state' | 'pid' | 'start' | 'stop' | 'restart' | 'resetFailed' | 'properties' | 'enabled'>;

interface Call {
  verb: string;
  units: string[];
  /** null: all of them. */
  properties: string[] | null;
  valueOnly: boolean;
  quiet: boolean;
}

const ours = 'zeitwork-operator';

/** The units of a node by name. */
export type Units = Record<string, Unit>;

/** `systemctl` for the units that a node has. */
export async function systemctl(args: string[], units: Units, journal: Journal): Promise<Answer> {
  const call = parse(args);
  if (call.verb === 'daemon-reload') return answer(0);
  if (call.verb === 'show') return show(call, units);
  const [name = ''] = call.units;
  const unit = Object.hasOwn(units, name) ? units[name] : undefined;
  if (unit === undefined || call.units.length > 1) return unknown(call, name);
  switch (call.verb) {
    case 'enable':
    case 'disable':
      unit.enabled = call.verb === 'enable';
      return answer(0);
    case 'start':
      return unit.start().then(() => answer(0));
    case 'stop':
      return unit.stop().then(() => answer(0));
    case 'restart':
      return unit.restart().then(() => answer(0));
    case 'reset-failed':
      unit.resetFailed();
      return answer(0);
    case 'is-active':
      return answer(unit.state === 'active' ? 0 : 3, call.quiet ? '' : `${unit.state}\n`);
    case 'is-enabled':
      return answer(0, call.quiet ? '' : 'enabled\n');
    case 'is-failed':
      return answer(1, call.quiet ? '' : `${unit.state}\n`);
    case 'cat':
      return answer(0, unitText);
    case 'status':
      return answer(unit.state === 'active' ? 0 : 3, status(unit, journal));
    default:
      return answer(1, '', `Unknown command verb ${call.verb}.\n`);
  }
}

function parse(args: string[]): Call {
  const call: Call = { verb: '', units: [], properties: null, valueOnly: false, quiet: false };
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    const property = /^(?:--property=|-p)(.+)$/.exec(word)?.[1];
    if (property !== undefined) call.properties = [...(call.properties ?? []), ...property.split(',')];
    else if (word === '-p' || word === '--property') {
      call.properties = [...(call.properties ?? []), ...(args[++at] ?? '').split(',')];
    } else if (word === '-n' || word === '-o') at++;
    else if (word === '--value') call.valueOnly = true;
    else if (word === '-q' || word === '--quiet') call.quiet = true;
    else if (word.startsWith('-')) continue;
    else if (call.verb === '') call.verb = word;
    else call.units.push(word.replace(/\.service$/, ''));
  }
  return call;
}

function show(call: Call, units: Units): Answer {
  const [name = ''] = call.units;
  const all = Object.hasOwn(units, name) ? (units[name]?.properties() ?? notFound) : notFound;
  const chosen = Object.entries(all).filter(([name]) => call.properties === null || call.properties.includes(name));
  return answer(0, chosen.map(([name, value]) => (call.valueOnly ? `${value}\n` : `${name}=${value}\n`)).join(''));
}

const notFound = {
  MainPID: '0',
  NRestarts: '0',
  LoadState: 'not-found',
  ActiveState: 'inactive',
  SubState: 'dead',
  InvocationID: '',
};

function unknown(call: Call, name: string): Answer {
  if (call.verb === 'is-active') return answer(3, call.quiet ? '' : 'inactive\n');
  if (call.verb === 'status') return answer(4, '', `Unit ${name}.service could not be found.\n`);
  return answer(5, '', `Failed to ${call.verb} ${name}.service: Unit ${name}.service not found.\n`);
}

const unitText = `# /etc/systemd/system/zeitwork-operator.service
[Unit]
Description=Zeitwork Operator
After=network.target
StartLimitIntervalSec=0

[Service]
Type=simple
User=zeitwork
Group=zeitwork
EnvironmentFile=/etc/zeitwork/operator.env
ExecStart=/usr/local/bin/zeitwork-operator
Restart=always

[Install]
WantedBy=multi-user.target
`;

function status(unit: Unit, journal: Journal): string {
  const { ActiveState, SubState, MainPID } = unit.properties();
  return [
    '● zeitwork-operator.service - Zeitwork Operator',
    '     Loaded: loaded (/etc/systemd/system/zeitwork-operator.service; enabled; preset: enabled)',
    `     Active: ${ActiveState} (${SubState})`,
    ...(unit.pid === 0 ? [] : [`   Main PID: ${MainPID} (zeitwork-operat)`]),
    '',
    journal.answer(['-u', ours, '-n', '10']),
  ].join('\n');
}

function answer(code: number, out = '', err = ''): Answer {
  return { code, out, err };
}
