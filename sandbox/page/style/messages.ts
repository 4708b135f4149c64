/** Messages and their marks. */
export const messages = `
.messages { flex: 1; overflow-y: auto; overflow-x: hidden; padding: 14px 0 10px; scroll-behavior: auto; }
.message { display: grid; grid-template-columns: 38px minmax(0, 1fr); column-gap: 11px; padding: 8px 20px; position: relative; }
.message:hover { background: color-mix(in srgb, var(--faint) 60%, transparent); }
.avatar { width: 38px; height: 38px; border-radius: 10px; display: grid; place-items: center; font-size: 14px; font-weight: 650; letter-spacing: .01em; color: #16222a; flex: none; }
.said > header { display: flex; align-items: baseline; gap: 7px; line-height: 1.3; }
.said > header time { color: var(--soft); font-size: 12px; }
.badge { font-size: 10.5px; font-weight: 600; color: var(--soft); background: var(--faint); border-radius: 4px; padding: 1px 5px; }
.edited { color: var(--soft); font-size: 12px; }
.avatar.app { background: #14343c; color: #63d3a6; }
.avatar svg { width: 58%; }
.mark { grid-column: 2; white-space: nowrap; color: var(--soft); font-size: 12.5px; display: flex; gap: 6px; align-items: center; }
.mark .link { font-size: inherit; padding: 0 2px; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.ephemeral { background: color-mix(in srgb, var(--warn-soft) 40%, transparent); }
.ephemeral:hover { background: color-mix(in srgb, var(--warn-soft) 65%, transparent); }
.thread-link { display: block; margin: 5px 0 0 -8px; border: 1px solid transparent; border-radius: 8px; background: none; padding: 3px 8px; color: var(--soft); font-size: 13px; }
.thread-link b { color: var(--link); margin-right: 4px; }
.thread-link:hover { border-color: var(--line); background: var(--paper); }
.reply { position: absolute; right: 16px; top: -12px; opacity: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 3px 9px; font-size: 13px; }
.message:hover .reply, .reply:focus-visible { opacity: 1; }
.reaction { display: inline-block; margin: 4px 4px 0 0; border: 1px solid var(--line); border-radius: 99px; padding: 0 8px; font-size: 12px; }
.thread .message { padding: 8px 16px; }
.thread .message:first-child { border-bottom: 1px solid var(--line); padding-bottom: 12px; margin-bottom: 6px; }
.empty { max-width: 460px; margin: 12vh auto 0; padding: 0 20px; text-align: center; color: var(--soft); display: grid; gap: 12px; justify-items: center; }
.empty h2 { color: var(--ink); font-size: 22px; letter-spacing: -.015em; }
.chip { border: 1px solid var(--line); border-radius: 8px; background: var(--faint); padding: 4px 10px; font-family: var(--mono); font-size: 13px; text-align: left; overflow-wrap: anywhere; }
.chip:hover { border-color: var(--accent); background: var(--accent-soft); }
.empty .chip { font-size: 16px; padding: 9px 16px; color: var(--accent); border-color: var(--accent); background: var(--accent-soft); }
`;
