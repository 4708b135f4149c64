import { createHash } from 'node:crypto';
import type { Block, KnownBlock } from '@slack/types';
import type { Sealer } from '../trust/index.ts';
import type { Reference } from './views/parts.ts';

/** What a button's value holds when it leaves the house: its reference, what it shows in short, its fleet, and the seal over all. */
export interface Sealed extends Reference {
  /** Digest of its label and its confirm dialog: what the person was told it would do. */
  f: string;
  /** The fleet that it is of; absent in what versions sealed that had one fleet. */
  n?: string;
  s: string;
}

/** Where a button stands; its value is good for nothing anywhere else. */
export interface Place {
  fleet: string;
  channel: string;
}

type Element = Record<string, unknown>;

/** The same blocks, with every button's value sealed for this place. */
export function sealedBlocks<B extends KnownBlock | Block>(blocks: B[], sealer: Sealer, place: Place): B[] {
  return blocks.map((block) => {
    const elements = elementsOf(block);
    if (elements.length === 0) return block;
    return { ...block, elements: elements.map((each) => sealedButton(each, sealer, place)) };
  });
}

function sealedButton(button: Element, sealer: Sealer, place: Place): Element {
  const reference = readReference(button.value);
  if (reference === null) return button;
  const what = { ...reference, f: shownBy(button) };
  return {
    ...button,
    value: JSON.stringify({ ...what, n: place.fleet, s: sealer.seal(scope(what, actionOf(button), place)) }),
  };
}

/** Reads a value that comes back; null when its seal is not ours, or not for this action in this place. */
export function readSealed(value: unknown, action: string, sealer: Sealer, place: Place): Sealed | null {
  const read = parsed(value);
  const reference = readReference(value);
  if (reference === null || typeof read.f !== 'string' || typeof read.s !== 'string') return null;
  // The seal says so, too; this is told without it.
  if (read.n !== undefined && read.n !== place.fleet) return null;
  const what = { ...reference, f: read.f };
  return sealer.fits(scope(what, action, place), read.s) ? { ...what, s: read.s } : null;
}

/** Whether these blocks have that button, with the same object and the same words, over what was known then. */
export function stillOffers(blocks: KnownBlock[], action: string, { g, f, o }: Sealed): boolean {
  return blocks.flatMap(elementsOf).some((button) => {
    const now = readReference(button.value);
    return actionOf(button) === action && now?.g === g && now.o === o && shownBy(button) === f;
  });
}

const scope = (what: Omit<Sealed, 's' | 'n'>, action: string, { fleet, channel }: Place) => ({
  ...what,
  action,
  fleet,
  channel,
});

const actionOf = ({ action_id: id }: Element): string => String(id ?? '');

function shownBy({ text, confirm }: Element): string {
  return createHash('sha256')
    .update(JSON.stringify([text, confirm ?? null]))
    .digest('hex')
    .slice(0, 16);
}

function elementsOf(block: KnownBlock | Block): Element[] {
  if (block.type !== 'actions' || !('elements' in block) || !Array.isArray(block.elements)) return [];
  return block.elements.map((each: object) => ({ ...each }));
}

export function readReference(value: unknown): Reference | null {
  const { r, g, v, o } = parsed(value);
  if (typeof r !== 'string' || typeof g !== 'string' || typeof v !== 'number') return null;
  return { r, g, v, ...(typeof o === 'string' ? { o } : {}) };
}

function parsed(value: unknown): Element {
  try {
    const read: unknown = JSON.parse(typeof value === 'string' ? value : '');
    return typeof read === 'object' && read !== null ? { ...read } : {};
  } catch {
    return {};
  }
}
