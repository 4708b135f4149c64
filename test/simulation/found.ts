/** Nights that were found to break something, kept for ever: what it was. */
export const found: { seed: number; what: string }[] = [];
