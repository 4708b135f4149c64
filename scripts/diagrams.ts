// Draws the state diagrams of docs/states.md anew: npx tsx scripts/diagrams.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { transitionDiagrams } from '../src/upgrade/rollout/index.ts';

const file = new URL('../docs/states.md', import.meta.url);
const drawings = Object.values(transitionDiagrams());
const fence = /```mermaid\n[\s\S]*?\n```/g;
writeFileSync(
  file,
  readFileSync(file, 'utf8').replace(fence, () => `\`\`\`mermaid\n${drawings.shift()}\n\`\`\``),
);
