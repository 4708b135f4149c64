import { clicks } from './clicks.ts';
import { composer } from './composer.ts';
import { connection } from './connection.ts';
import { dialogs } from './dialogs.ts';
import { patching } from './patching.ts';
import { theme } from './theme.ts';
import { times } from './times.ts';
import type { Piece } from './ui.ts';

const pieces: Piece[] = [theme, connection, dialogs, patching, times, composer, clicks];

/**
 * The script of the page: the text of its pieces, one after the other. No build step is needed, whether they run from
 * source or compiled. Compilers that keep function names call `__name`, which the browser does not have.
 */
export const script = `(() => {
const __name = (named) => named;
const ui = {};
${pieces.map((piece) => `(${piece})(ui);`).join('\n')}
})();
`;
