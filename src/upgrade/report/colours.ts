/** By name: on white, and on the dark paper. Text is read against the paper at 4.5 to 1, all else is seen at 3 to 1. */
export const colours = {
  paper: ['#ffffff', '#15191c'],
  ink: ['#16222a', '#e4e9eb'],
  soft: ['#5a6b75', '#96a5ad'],
  staging: ['#6b7a86', '#8fa0ac'],
  waiting: ['#6b7a86', '#8fa0ac'],
  preparing: ['#0b5fa5', '#6cb6f5'],
  restarting: ['#a15c00', '#eab04d'],
  proving: ['#6b3fa0', '#b794f4'],
  soaking: ['#0b6e63', '#35b5a3'],
  'going-back': ['#b3123f', '#f5718f'],
  done: ['#13734b', '#4cc48c'],
  back: ['#7a4a00', '#d9a441'],
  failed: ['#b3123f', '#f5718f'],
  open: ['#13734b', '#4cc48c'],
  asked: ['#0b5fa5', '#6cb6f5'],
  watched: ['#6b3fa0', '#b794f4'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

const listed = (which: 0 | 1): string =>
  Object.entries(colours)
    .map(([name, both]) => `--zw-${name}:${both[which]}`)
    .join(';');

/** Light or dark as the reader's machine wants it. Everything is told by its shape as well. */
export const pictureStyle = `
.zw-night{${listed(0)};font:12px system-ui,sans-serif;background:var(--zw-paper)}
@media (prefers-color-scheme:dark){.zw-night{${listed(1)}}}
.zw-night text{fill:var(--zw-ink)}
.zw-night .zw-soft{fill:var(--zw-soft)}
.zw-night .zw-head{font-size:15px;font-weight:600}
.zw-night .zw-region{font-size:13px;font-weight:600}
.zw-night .zw-axis{stroke:var(--zw-soft);stroke-width:1;fill:none}
.zw-night .zw-cut{stroke:var(--zw-soft);stroke-width:1;stroke-dasharray:1 4;fill:none}
.zw-night .zw-decided{stroke:var(--zw-ink);stroke-width:1;stroke-dasharray:3 3}
${['staging', 'waiting', 'preparing', 'restarting', 'soaking', 'done', 'failed', 'open'].map((name) => `.zw-night .zw-${name}{fill:var(--zw-${name})}`).join('\n')}
.zw-night .zw-staging{fill:none;stroke:var(--zw-staging);stroke-width:1.5}
.zw-night .zw-proving{fill:url(#zw-hatch);stroke:var(--zw-proving);stroke-width:1}
.zw-night .zw-going-back{fill:url(#zw-hatch-back);stroke:var(--zw-going-back);stroke-width:1}
.zw-night .zw-back{fill:url(#zw-dots);stroke:none}
.zw-night .zw-asked{fill:none;stroke:var(--zw-asked);stroke-width:1.5}
.zw-night .zw-watched{fill:none;stroke:var(--zw-watched);stroke-width:1.5;stroke-dasharray:6 3}
.zw-night .zw-h{stroke:var(--zw-proving);stroke-width:2.5}
.zw-night .zw-hb{stroke:var(--zw-going-back);stroke-width:2.5}
.zw-night .zw-d{fill:var(--zw-back)}
`;

export const patterns = [
  '<pattern id="zw-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="zw-h" d="M0 0V5"/></pattern>',
  '<pattern id="zw-hatch-back" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><path class="zw-hb" d="M0 0V5"/></pattern>',
  '<pattern id="zw-dots" width="6" height="4" patternUnits="userSpaceOnUse"><rect class="zw-d" width="3" height="4"/></pattern>',
].join('');
