/** Colours and the few things that every part shares. */
export const tokens = `
:root {
  --paper: #ffffff; --mist: #f4f6f7; --line: #dfe5e8; --ink: #16222a; --soft: #5a6b75; --faint: #eef2f4;
  --accent: #0b6e63; --accent-ink: #ffffff; --accent-soft: #e0f2ef; --danger: #b3123f; --danger-soft: #fde8ee;
  --warn: #a15c00; --warn-soft: #fff3dd; --good: #13734b; --good-soft: #e3f5ec; --link: #0b5fa5;
  --side: #12262d; --side-ink: #dbe7ea; --side-soft: #93aab2; --side-lit: #21404a;
  --shadow: 0 10px 40px rgb(10 30 40 / .18);
  --mono: ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, monospace;
  font: 15px/1.46 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15191c; --mist: #0f1315; --line: #2b3338; --ink: #e4e9eb; --soft: #96a5ad; --faint: #1e2428;
    --accent: #35b5a3; --accent-ink: #04211d; --accent-soft: #12312d; --danger: #f5718f; --danger-soft: #3a1822;
    --warn: #eab04d; --warn-soft: #33260f; --good: #4cc48c; --good-soft: #12301f; --link: #6cb6f5;
    --side: #0b1517; --side-lit: #1a3038; --shadow: 0 10px 40px rgb(0 0 0 / .6);
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body { color: var(--ink); background: var(--mist); }
h1, h2, h3, p, ul { margin: 0; padding: 0; list-style: none; }
button, textarea, input, select { font: inherit; color: inherit; }
button { cursor: pointer; }
code { font-family: var(--mono); font-size: .86em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.link { border: 0; background: none; padding: 2px 4px; min-width: 24px; min-height: 24px; color: var(--link); cursor: pointer; }
.link:hover { text-decoration: underline; }
.button { border: 1px solid var(--line); border-radius: 7px; background: var(--paper); padding: 5px 12px; font-weight: 600; font-size: 14px; }
.button:hover { background: var(--faint); }
.button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.button.danger { background: var(--paper); border-color: var(--danger); color: var(--danger); }
.button.primary:hover { filter: brightness(1.08); }
.button.danger:hover { background: var(--danger-soft); }
.button[aria-busy=true] { opacity: .55; cursor: progress; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 12px 14px; }
.narrow-only { display: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
