/** Where a secret stands in a text: from, to (exclusive). */
export type Span = [from: number, to: number];
