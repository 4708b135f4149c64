import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { wordsOf } from '../base/errors.ts';
import type { Path, Problem } from './problems.ts';

/** A settings file as plain data that still knows its lines. */
export interface Source {
  value: unknown;
  /** The line (from 1) of the key or item at `path`, else of what encloses it. */
  lineOf(path: Path): number;
  /** Keys and values that are text, with their lines. */
  texts(): { text: string; line: number; key: boolean }[];
}

const empty = 'the file is empty; copy zeitwork.example.yaml to begin';

/** Reads YAML 1.2; `problems` are its syntax errors, and the source is then null. */
export function readSource(written: string): { source: Source | null; problems: Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(written, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const [first] = document.errors;
  if (first !== undefined) {
    // After a syntax error the parser is lost: what it reports next is only a consequence.
    const told =
      first.code === 'DUPLICATE_KEY' ? document.errors.filter((error) => error.code === first.code) : [first];
    return {
      source: null,
      problems: told.map((error) => ({ path: [], line: lineAt(error.pos[0]), message: error.message })),
    };
  }
  if (document.contents === null) return { source: null, problems: [{ path: [], line: 1, message: empty }] };

  function step(node: Node | null, key: PropertyKey): { at: number; value: Node | null } | null {
    const target = isAlias(node) ? node.resolve(document) : node;
    if (isSeq<Node>(target) && typeof key === 'number') {
      const item = target.items[key];
      return item?.range ? { at: item.range[0], value: item } : null;
    }
    if (!isMap<Node, Node | null>(target)) return null;
    const pair = target.items.find((each) => isScalar(each.key) && String(each.key.value) === key);
    return pair?.key.range ? { at: pair.key.range[0], value: pair.value } : null;
  }

  function lineOf(path: Path): number {
    let node: Node | null = document.contents;
    let at = node?.range?.[0] ?? 0;
    for (const key of path) {
      const found = step(node, key);
      if (found === null) break;
      at = found.at;
      node = found.value;
    }
    return lineAt(at);
  }

  function texts() {
    const found: { text: string; line: number; key: boolean }[] = [];
    visit(document, {
      Scalar(position, node) {
        if (typeof node.value !== 'string' || !node.range) return;
        found.push({ text: node.value, line: lineAt(node.range[0]), key: position === 'key' });
      },
    });
    return found;
  }

  try {
    return { source: { value: document.toJS(), lineOf, texts }, problems: [] };
  } catch (error) {
    const message = wordsOf(error);
    return { source: null, problems: [{ path: [], line: 1, message }] };
  }
}
