import { second } from '../../base/duration.ts';
import { short } from '../../base/hash.ts';
import { type BuildTold, buildsName } from '../../jobs/index.ts';
import { fingerprint } from '../../trust/index.ts';
import { isUnderWay } from '../../upgrade/ledger/index.ts';
import type { Build } from '../../upgrade/ledger/types.ts';
import { type Button, type Message, message, type Part } from './parts.ts';
import { codeLines, foreign, sentence, who } from './text.ts';

/** What should stand in the channel of a build: one message, and its thread. */
export interface BuildView {
  main: Message;
  /** In order; none of them ever changes. */
  thread: { key: string; message: Message }[];
}

/** Workers look every two seconds, and say so every ten: whoever is silent for longer, ms, is gone. */
const patience = 60 * second;
/** A minute has six of them: an edit for each second is nobody's use. */
const step = 10 * second;

export function buildView(build: Build, told: BuildTold | null, now: number): BuildView {
  const tag = `build.${build.number}`;
  const main: Part[] = [
    { is: 'title', text: titleOf(build) },
    { is: 'lines', lines: buildLines(build, told, isUnderWay(build) ? Math.floor(now / step) * step : now) },
    { is: 'code', text: build.state.is === 'failed' ? lastOf(build, told) : '' },
    { is: 'buttons', buttons: buttonsOf(build) },
  ];
  const pieces = (told?.pieces ?? []).map((text, at) => ({
    key: `piece-${at}`,
    message: message([{ is: 'code', text: codeLines(text.split('\n'), 80, 300) }], `${tag}.piece.${at}`),
  }));
  const end = isUnderWay(build) ? [] : [{ key: 'end', message: message(endOf(build, told), `${tag}.end`) }];
  return { main: message(main, tag), thread: [...pieces, ...end] };
}

function titleOf({ version, state }: Build): string {
  if (state.is === 'built') return `${version} is built`;
  return state.is === 'failed' ? `${version} was not built` : `Building ${version}`;
}

/** What is known of it, in a few lines. */
export function buildLines(build: Build, told: BuildTold | null, now: number): string[] {
  const { version, by, state, stopping, source } = build;
  const name = foreign(version, 80);
  const what =
    source === undefined
      ? name
      : `${name} = commit \`${source.commit.slice(0, 7)}\`${source.signedBy === null ? '' : `, tag signed by ${foreign(source.signedBy, 64)}`}`;
  const asked = `Asked for by ${who(by)}.`;
  const lines: Record<Build['state']['is'], () => string[]> = {
    asked: () => [`${what}; fetching the tag. ${asked}`],
    building: () => [`${what}; building, ${clock(now - (state.is === 'building' ? state.since : now))}. ${asked}`],
    built: () =>
      state.is === 'built'
        ? [
            `✓ ${what}; archive \`${short(state.archiveSha256)}\`, ${size(state.archiveBytes)}, in ${clock(state.took)}, signed. ${asked}`,
          ]
        : [],
    failed: () =>
      state.is === 'failed' ? [`✗ ${what}: ${foreign(sentence(reasonOf(build, state.reason)), 1_500)} ${asked}`] : [],
  };
  const trouble = told?.trouble ?? null;
  const silent = now - Math.max(told?.at ?? 0, state.is === 'building' ? state.since : build.at);
  return [
    ...lines[state.is](),
    ...(stopping !== undefined && isUnderWay(build) ? [`${who(stopping.by)} stopped it; it is being ended.`] : []),
    ...(silent > patience && isUnderWay(build)
      ? [`‼ Nobody has looked at it for ${clock(silent)}: is a worker running whose settings have \`build\`?`]
      : []),
    ...(trouble !== null && isUnderWay(build) ? [`‼ Not known how it goes: ${foreign(trouble, 300)}`] : []),
  ];
}

/** Who stopped it is told as a person. */
const reasonOf = ({ stopping }: Build, reason: string): string =>
  stopping !== undefined && reason.startsWith('stopped by ')
    ? `stopped${reason.slice(`stopped by ${stopping.by}`.length)}.`
    : `${reason}${/[.!?]$/.test(reason) ? '' : '.'}`;

/** The last lines of its log, as far as anybody read them. */
export const lastOf = ({ state }: Build, told: BuildTold | null): string =>
  codeLines(state.is === 'failed' ? state.last : (told?.last ?? []), 20, 300);

function endOf(build: Build, told: BuildTold | null): Part[] {
  const { version, by, state } = build;
  const leftOut = told?.leftOut ?? 0;
  const whole = 'The whole log is on the machine that builds (docs/build.md).';
  return [
    { is: 'code', text: leftOut === 0 ? '' : lastOf(build, told) },
    ...(leftOut === 0 ? [] : [{ is: 'note' as const, text: `${size(leftOut)} before that were left out. ${whole}` }]),
    {
      is: 'lines',
      lines: [
        state.is === 'built'
          ? `${who(by)}: ${foreign(version, 80)} is built, archive \`${short(state.archiveSha256)}\`.`
          : `${who(by)}: ${foreign(version, 80)} was not built.`,
      ],
    },
  ];
}

function buttonsOf(build: Build): Button[] {
  const { version, number, state, stopping } = build;
  const reference = { r: buildsName, g: version, v: number, o: fingerprint({ number, state: state.is }) };
  if (state.is === 'built')
    return [
      { label: 'Plan upgrade', action: `plan:${version}`, reference, style: 'primary', typed: `upgrade ${version}` },
    ];
  if (state.is === 'failed')
    return [{ label: 'Build again', action: `build-again:${version}`, reference, typed: `build ${version}` }];
  if (stopping !== undefined) return [];
  return [{ label: 'Stop build', action: `build-stop:${version}`, reference, style: 'danger', typed: 'build stop' }];
}

/** `3:10` */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / second));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

const size = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
