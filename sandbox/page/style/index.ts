import { blocks } from './blocks.ts';
import { fleet } from './fleet.ts';
import { frame } from './frame.ts';
import { messages } from './messages.ts';
import { narrow } from './narrow.ts';
import { overlays } from './overlays.ts';
import { tokens } from './tokens.ts';

/** The page's own style sheet; the narrow screen has the last word. */
export const style = [tokens, frame, messages, blocks, fleet, overlays, narrow].join('\n');
