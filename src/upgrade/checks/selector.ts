import type { Selector } from './types.ts';

const inName = /[A-Za-z0-9_:]/;

/** A metric, with labels that its series must have: `errors_total{code="500",method!="GET"}`. null: it is none. */
export function selectorIn(written: string): Selector | null {
  if (written.length > 300) return null;
  const open = written.indexOf('{');
  const name = open === -1 ? written : written.slice(0, open);
  if (!isName(name)) return null;
  if (open === -1) return { written, name, labels: [] };
  if (!written.endsWith('}')) return null;
  const labels = labelsIn(written.slice(open + 1, -1));
  return labels === null ? null : { written, name, labels };
}

const isName = (text: string): boolean => text !== '' && !/^[0-9]/.test(text) && [...text].every((c) => inName.test(c));

function labelsIn(text: string): Selector['labels'] | null {
  const matcher = /([A-Za-z_][A-Za-z0-9_]*)(!?=)"([^"\\\n]*)"(,|$)/y;
  const labels: Selector['labels'][number][] = [];
  while (matcher.lastIndex < text.length) {
    const [, name, is, value] = matcher.exec(text) ?? [];
    if (name === undefined || value === undefined) return null;
    labels.push({ name, is: is === '=' ? '=' : '!=', value });
  }
  return labels.length === 0 ? null : labels;
}
