import { inWords } from '../../base/duration.ts';
import { plainLine } from '../../base/plain.ts';
import { describePlace, openingsUntil } from '../../windows/index.ts';
import { patterns, pictureStyle } from './colours.ts';
import { goal, outcome } from './markdown.ts';
import type { NodeReport, Pack } from './pack.ts';
import { type Scale, scaleOf } from './scale.ts';
import { type Span, type SpanKind, spanKinds } from './spans.ts';
import { type Names, nameOf, took, utc } from './text.ts';

const left = 12;
const rowHeight = 30;
/** A name stands there again after so many px, so that a phone always shows one. */
const repeat = 240;
/** Nodes of one region that have a row of their own; of more, what went wrong is kept. */
const mostRows = 40;

/** How high each thing is drawn, px: what it is can be seen without its colour. */
const heights: Record<SpanKind, number> = {
  staging: 8,
  waiting: 2,
  preparing: 6,
  restarting: 14,
  proving: 12,
  soaking: 8,
  'going back': 14,
  done: 4,
  back: 4,
  failed: 14,
};

const words: Record<SpanKind, string> = {
  staging: 'staging',
  waiting: 'waiting',
  preparing: 'preparing, cleaning up',
  restarting: 'restarting',
  proving: 'proving',
  soaking: 'soaking',
  'going back': 'going back',
  done: 'done, proven',
  back: 'as before again',
  failed: 'failed, or needs a person',
};

/** The night as SVG, from what the journal says: windows and questions above, a row for each node. Equal packs give equal pictures. */
export function picture(pack: Pack, names: Names = {}): string {
  const scale = scaleFor(pack);
  const canvas = new Canvas(scale, names);
  canvas.head(`${pack.service} ${goal(pack)} on ${pack.fleet}: ${outcome(pack)}`, pack);
  canvas.legend();
  canvas.axis();
  for (const region of new Set(pack.nodes.map(({ region: name }) => name))) canvas.region(pack, region);
  canvas.decisions(pack);
  return canvas.svg(`${goal(pack)} on ${pack.fleet}, node by node`);
}

/** Nothing of it is work. */
const quiet: SpanKind[] = ['waiting', 'done', 'back', 'failed'];

function scaleFor({ nodes, watches, questions, decisions }: Pack): Scale {
  const spans = nodes.flatMap((node) => node.spans);
  const marks = [
    ...spans.flatMap(({ from, to }) => [from, to]),
    ...watches.flatMap(({ from, to }) => [from, ...(to === null ? [] : [to])]),
    ...questions.flatMap(({ askedAt, endedAt }) => [askedAt, ...(endedAt === null ? [] : [endedAt])]),
    ...decisions.map(({ at }) => at),
  ];
  const busy = spans.filter(({ kind }) => !quiet.includes(kind)).reduce((sum, { from, to }) => sum + to - from, 0);
  return scaleOf(marks, busy);
}

class Canvas {
  readonly #scale: Scale;
  readonly #names: Names;
  readonly #drawn: string[] = [];
  #y = 0;
  #axisAt = 0;

  constructor(scale: Scale, names: Names) {
    this.#scale = scale;
    this.#names = names;
  }

  head(title: string, { createdAt, endedAt, timeline }: Pack): void {
    this.#text(left, 22, title, 'zw-head');
    const end = endedAt ?? timeline.at(-1)?.at ?? createdAt;
    this.#text(left, 40, `${utc(createdAt)} to ${utc(end)} UTC`, 'zw-soft');
    this.#y = 52;
  }

  /** In two columns, so that a phone shows all of it. */
  legend(): void {
    const all: [string, string, number][] = [
      ...spanKinds.map((kind): [string, string, number] => [classOf(kind), words[kind], heights[kind]]),
      ['zw-open', 'window open', 5],
      ['zw-asked', 'asked for', 12],
      ['zw-watched', 'watched', 12],
    ];
    all.forEach(([name, what, height], at) => {
      const [x, y] = [left + (at % 2) * 180, this.#y + Math.floor(at / 2) * 18];
      this.#rect(x, y + 7 - height / 2, 22, height, name);
      this.#text(x + 28, y + 11, what, 'zw-soft');
    });
    this.#y += Math.ceil(all.length / 2) * 18 + 14;
  }

  axis(): void {
    const { marks, cuts, width } = this.#scale;
    this.#y += 16;
    this.#axisAt = this.#y;
    this.#drawn.push(`<path class="zw-axis" d="M${left} ${this.#y}H${n(left + width)}"/>`);
    let last = Number.NEGATIVE_INFINITY;
    let day = '';
    for (const at of marks) {
      const x = this.#x(at);
      if (x - last < 74) continue;
      last = x;
      const [date = '', time = ''] = utc(at).split(' ');
      this.#drawn.push(`<path class="zw-axis" d="M${n(x)} ${this.#y - 4}v8"/>`);
      this.#text(x, this.#y - 8, date === day ? time : `${date.slice(5)} ${time}`, 'zw-soft');
      if (date !== day) last += 34;
      day = date;
    }
    for (const { from, to } of cuts) {
      const middle = (this.#x(from) + this.#x(to)) / 2;
      this.#text(middle - 24, this.#y + 14, `⋯ ${inWords(to - from, Math.round)}`, 'zw-soft');
    }
    this.#y += 26;
  }

  region(pack: Pack, region: string): void {
    const nodes = pack.nodes.filter((node) => node.region === region);
    const zone = pack.calendars[region]?.zone;
    const title = zone === undefined ? region : `${region} (${describePlace(zone)})`;
    this.#repeated(this.#y + 12, title, 'zw-region');
    this.#y += 20;
    this.#windows(pack, region);
    this.#lane(pack, region);
    const rows = rowsOf(nodes);
    for (const node of rows) this.#node(node);
    if (rows.length < nodes.length) {
      this.#text(left, this.#y + 12, `and ${nodes.length - rows.length} more, which went as planned`, 'zw-soft');
      this.#y += 20;
    }
    this.#y += 14;
  }

  #windows({ calendars }: Pack, region: string): void {
    const calendar = calendars[region];
    const { marks } = this.#scale;
    const [from, to] = [marks[0] ?? 0, marks.at(-1) ?? 0];
    this.#drawn.push(`<path class="zw-cut" d="M${left} ${this.#y + 4}H${n(left + this.#scale.width)}"/>`);
    const openings = calendar === undefined ? [] : openingsWithin(calendar, from, to);
    for (const { start, end } of openings)
      this.#bar(Math.max(start, from), Math.min(end, to), this.#y + 4, 5, 'zw-open', `window of ${region} open`);
    this.#y += 12;
  }

  /** Who was asked, from when to when; and how long it was watched. */
  #lane({ questions, watches, timeline }: Pack, region: string): void {
    const own = questions.filter(({ regions }) => regions.includes(region));
    const watched = watches.filter(({ regions }) => regions.includes(region));
    if (own.length + watched.length === 0) return;
    const last = timeline.at(-1)?.at ?? 0;
    for (const { askedAt, endedAt, is, given, declined, title } of own) {
      const said = given.map(({ by }) => nameOf(by, this.#names)).join(', ');
      const no = declined === null ? '' : `✗ ${nameOf(declined.by, this.#names)}`;
      const what = is === 'approved' ? `✓ ${said}` : no || (is === 'asked' ? 'asked' : 'not answered');
      this.#bar(askedAt, endedAt ?? last, this.#y + 8, 12, 'zw-asked', `${title} asked for: ${what}`);
      this.#text(this.#x(endedAt ?? last) + 4, this.#y + 12, what);
    }
    for (const { from, to, is, for: wanted } of watched) {
      const told = is === 'watched' ? `watched ${inWords(wanted)}` : `watch ${is}`;
      this.#bar(from, to ?? last, this.#y + 8, 12, 'zw-watched', told);
      this.#text(this.#x(from) + 4, this.#y + 26, told, 'zw-soft');
    }
    this.#y += watched.length > 0 ? 32 : 20;
  }

  #node({ node, spans }: NodeReport): void {
    this.#repeated(this.#y + 10, node, 'zw-soft');
    const middle = this.#y + 20;
    for (const span of spans)
      this.#bar(span.from, span.to, middle, heights[span.kind], classOf(span.kind), spanTitle(node, span));
    this.#y += rowHeight;
  }

  decisions({ decisions }: Pack): void {
    const lines = decisions.slice(0, 30);
    const end = this.#y;
    this.#y += 8;
    lines.forEach(({ at, by, what }, index) => {
      const x = this.#x(at);
      this.#drawn.push(`<path class="zw-decided" d="M${n(x)} ${this.#axisAt}V${end}"/>`);
      this.#text(x + 3, end - 2, `${index + 1}`);
      this.#y += 18;
      this.#text(
        left,
        this.#y,
        `${index + 1}  ${utc(at).slice(5)}  ${by === null ? '' : nameOf(by, this.#names)} ${what}`,
      );
    });
    if (decisions.length > lines.length) {
      this.#y += 18;
      this.#text(left, this.#y, `and ${decisions.length - lines.length} more`, 'zw-soft');
    }
    this.#y += 16;
  }

  svg(title: string): string {
    const width = Math.ceil(Math.max(this.#scale.width + 2 * left + 120, 380));
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" class="zw-night" role="img" aria-label="${xml(title)}" width="${width}" height="${Math.ceil(this.#y)}" viewBox="0 0 ${width} ${Math.ceil(this.#y)}">`,
      `<title>${xml(title)}</title><style>${pictureStyle}</style><defs>${patterns}</defs>`,
      `<rect width="100%" height="100%" fill="var(--zw-paper)"/>`,
      ...this.#drawn,
      '</svg>',
      '',
    ].join('\n');
  }

  #x(at: number): number {
    return left + this.#scale.x(at);
  }

  #bar(from: number, to: number, middle: number, height: number, name: string, title: string): void {
    const [x, right] = [this.#x(from), this.#x(to)];
    this.#rect(x, middle - height / 2, Math.max(right - x, 1.5), height, name, title);
  }

  #rect(x: number, y: number, width: number, height: number, name: string, title?: string): void {
    const place = `x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}"`;
    this.#drawn.push(
      title === undefined
        ? `<rect class="${name}" ${place}/>`
        : `<rect class="${name}" ${place}><title>${xml(title)}</title></rect>`,
    );
  }

  #text(x: number, y: number, text: string, name?: string): void {
    const what = name === undefined ? '' : ` class="${name}"`;
    this.#drawn.push(`<text${what} x="${n(x)}" y="${n(y)}">${xml(text)}</text>`);
  }

  #repeated(y: number, text: string, name: string): void {
    for (let x = left; x <= left + Math.max(0, this.#scale.width - 60); x += repeat) this.#text(x, y, text, name);
  }
}

/** All of them while they are few; else those that went wrong, and as many others as there is room for. */
function rowsOf(nodes: readonly NodeReport[]): NodeReport[] {
  if (nodes.length <= mostRows) return [...nodes];
  const wrong = nodes.filter(({ spans }) => spans.some(({ kind }) => kind === 'failed' || kind === 'going back'));
  const kept = new Set([...wrong, ...nodes].slice(0, mostRows));
  return nodes.filter((node) => kept.has(node));
}

/** A journal may be longer than anybody wants to see windows for. */
function openingsWithin(calendar: Parameters<typeof openingsUntil>[0], from: number, to: number) {
  const longest = 380 * 86_400_000;
  return openingsUntil(calendar, Math.max(from, to - longest), to);
}

const spanTitle = (node: string, { kind, from, to }: Span): string =>
  `${node}: ${words[kind]} ${took(to - from)}, from ${utc(from)} UTC`;

const classOf = (kind: SpanKind): string => `zw-${kind.replace(' ', '-')}`;

/** At most one digit behind the point. */
const n = (value: number): string => `${Math.round(value * 10) / 10}`;

/** What a host or a person said, as text of a picture and nothing else. */
function xml(text: string): string {
  const line = plainLine(text)
    .replace(/[\p{Surrogate}\ufffe\uffff]/gu, '\ufffd')
    .slice(0, 300);
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
