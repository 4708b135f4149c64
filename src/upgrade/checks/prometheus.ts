/** One series in the text of Prometheus, as it stands there. */
export interface Series {
  labels: ReadonlyMap<string, string>;
  value: number;
}

/** What a text says of some metrics: everything else in it is passed over. */
export interface Exposition {
  series: ReadonlyMap<string, readonly Series[]>;
  /** By name, as `# TYPE` tells it; a metric may be declared and have no series yet. */
  types: ReadonlyMap<string, string>;
}

/** Nobody sums more of one metric. */
const most = 5_000;

/**
 * Reads the text format of Prometheus (0.0.4), and of OpenMetrics as far as it is the same, in one go over the text.
 * @throws SyntaxError for a line of a wanted metric that is none
 */
export function readExposition(text: string, wanted: ReadonlySet<string>): Exposition {
  const series = new Map<string, Series[]>();
  const types = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const next = end === -1 ? text.length : end;
    const name = text[at] === '#' ? '' : nameAt(text, at);
    if (name === '') declare(text.slice(at, Math.min(next, at + 1_000)), wanted, types);
    else if (wanted.has(name)) {
      const of = series.get(name) ?? [];
      of.push(new Line(text.slice(at + name.length, next), name).read());
      if (of.length > most) throw new SyntaxError(`${name} has more than ${most} series`);
      series.set(name, of);
    }
    at = next + 1;
  }
  return { series, types };
}

const isNameCode = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 58) || code === 95;

/** A name longer than any that is wanted is none of them. */
function nameAt(text: string, from: number): string {
  let to = from;
  while (to < text.length && to - from < 301 && isNameCode(text.charCodeAt(to))) to += 1;
  return text.slice(from, to);
}

/** `# TYPE name counter`. OpenMetrics leaves `_total` out there. */
function declare(line: string, wanted: ReadonlySet<string>, types: Map<string, string>): void {
  const [hash, word, name = '', type = ''] = line.split(/[ \t\r]/, 4);
  if (hash !== '#' || word !== 'TYPE') return;
  for (const each of [name, `${name}_total`]) if (wanted.has(each) && !types.has(each)) types.set(each, type);
}

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === '\r';

/** What follows the name. */
class Line {
  readonly #text: string;
  readonly #name: string;
  #at = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  read(): Series {
    const labels = new Map<string, string>();
    this.#blanks();
    if (this.#text[this.#at] === '{') this.#labels(labels);
    else if (this.#at === 0) this.#fail();
    this.#blanks();
    const value = numberIn(this.#word());
    if (value === null) this.#fail();
    return { labels, value };
  }

  #labels(labels: Map<string, string>): void {
    this.#at += 1;
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] === '}') break;
      const from = this.#at;
      while (isNameCode(this.#text.charCodeAt(this.#at))) this.#at += 1;
      const name = this.#text.slice(from, this.#at);
      this.#blanks();
      this.#sign('=');
      this.#blanks();
      const value = this.#quoted();
      if (name === '' || labels.has(name)) this.#fail();
      labels.set(name, value);
      this.#blanks();
      if (this.#text[this.#at] === ',') this.#at += 1;
      else if (this.#text[this.#at] !== '}') this.#fail();
    }
    this.#at += 1;
  }

  /** `\\`, `\"` and `\n` stand for something; a backslash before anything else is one. */
  #quoted(): string {
    this.#sign('"');
    let value = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail();
      this.#at += 1;
      if (char === '"') return value;
      if (char !== '\\') value += char;
      else {
        const escaped = this.#text[this.#at] ?? '';
        this.#at += 1;
        value += escaped === 'n' ? '\n' : escaped === '\\' || escaped === '"' ? escaped : `\\${escaped}`;
      }
    }
  }

  #word(): string {
    const from = this.#at;
    while (this.#at < this.#text.length && !isBlank(this.#text[this.#at])) this.#at += 1;
    return this.#text.slice(from, this.#at);
  }

  #blanks(): void {
    while (isBlank(this.#text[this.#at])) this.#at += 1;
  }

  #sign(sign: string): void {
    if (this.#text[this.#at] !== sign) this.#fail();
    this.#at += 1;
  }

  #fail(): never {
    throw new SyntaxError(`a line of ${this.#name} cannot be read`);
  }
}

const infinite: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

/** null when it is no number; what JavaScript alone takes for one is none. */
function numberIn(word: string): number | null {
  const named = infinite[word.toLowerCase()];
  if (named !== undefined) return named;
  if (word.length > 40 || !/^[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$/.test(word)) return null;
  const value = Number(word);
  return Number.isNaN(value) ? null : value;
}
