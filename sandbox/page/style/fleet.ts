/** The fleet strip: clock, counter, nodes, things to try. */
export const fleet = `
.fleet-list { display: flex; flex-direction: column; gap: 10px; }
.clock { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 10px; justify-content: space-between; }
.clock time { flex-basis: 100%; font-variant-numeric: tabular-nums; color: var(--soft); font-size: 13px; }
.clock time b { color: var(--ink); font-size: 20px; letter-spacing: -.01em; }
.clock .button { padding: 3px 10px; font-size: 13px; }
.clock .link { font-size: 13px; }
.counter .figure { display: flex; gap: 12px; align-items: center; line-height: 1.25; }
.counter strong { font-size: 34px; line-height: 1; letter-spacing: -.03em; font-variant-numeric: tabular-nums; }
.counter .figure span { font-size: 13.5px; }
.counter p { font-size: 13px; margin-top: 5px; font-variant-numeric: tabular-nums; }
.counter.good { background: var(--good-soft); border-color: transparent; }
.counter.good strong, .counter.good p { color: var(--good); }
.counter.bad { background: var(--danger-soft); border-color: transparent; }
.counter.bad strong, .counter.bad p { color: var(--danger); }
.region { padding: 9px 6px 6px 12px; }
.region header { display: flex; align-items: baseline; gap: 8px; padding-right: 8px; }
.region h3 { font-size: 14px; flex: 1; }
.tally, .fewest { font-size: 12px; color: var(--soft); }
.fewest { border-left: 1px solid var(--line); padding-left: 8px; }
.low { color: var(--danger); font-weight: 600; }
.node { display: grid; grid-template-columns: 14px minmax(0, 1fr) 94px 24px; gap: 6px; align-items: center; min-height: 37px; font-size: 13px; }
.node-name { font-weight: 600; line-height: 1.25; min-width: 0; }
.node code { display: block; font-weight: 400; letter-spacing: -.03em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 12px; color: var(--soft); }
.node .words { text-align: left; line-height: 1.25; font-size: 13px; }
.node small { display: block; color: var(--soft); font-size: 11px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.glyph { text-align: center; font-size: 12px; }
.node.healthy .glyph { color: var(--good); }
.node.starting :is(.glyph, .words) { color: var(--warn); }
.node:is(.unhealthy, .down) :is(.glyph, .words) { color: var(--danger); }
.node details { position: relative; }
.node summary { list-style: none; cursor: pointer; text-align: center; border-radius: 6px; color: var(--soft); height: 24px; line-height: 20px; }
.node summary::-webkit-details-marker { display: none; }
.node summary:hover, .node details[open] summary { background: var(--faint); color: var(--ink); }
.menu-list { position: absolute; z-index: 5; right: 0; top: 28px; min-width: 190px; padding: 5px; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); box-shadow: var(--shadow); }
.menu-list button { display: block; width: 100%; text-align: left; border: 0; background: none; border-radius: 6px; padding: 6px 9px; }
.menu-list button:hover { background: var(--faint); }
.tries h3 { font-size: 14px; margin-bottom: 8px; }
.tries ul { display: grid; gap: 9px; }
.tries li span { display: block; color: var(--soft); font-size: 12.5px; line-height: 1.35; margin-top: 2px; }
.tries .chip { font-size: 12px; padding: 3px 8px; }
`;
