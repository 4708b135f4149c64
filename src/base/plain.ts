/** Terminal sequences: CSI, strings (titles, links) up to their end or the line's, and the rest; 7 and 8 bit. */
const terminal = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g;
/** Control characters but tab and newline. */
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** What is not seen, turns the direction of what is, or breaks lines in its own way. */
const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

/** Nearly every text has nothing else in it. */
const seen = /^[\t\n\x20-\x7e]*$/;

/** The text as a person sees it: without what a terminal or a chat would obey. Keeps tabs and line breaks (`\n`). */
export function plain(text: string): string {
  if (seen.test(text)) return text;
  return text.replace(terminal, '').replace(controls, '').replace(unseen, '');
}

/** The same as one line, every run of white space one blank. */
export const plainLine = (text: string): string =>
  plain(text.replace(/[\r\u2028\u2029]/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
