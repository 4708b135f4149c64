/** Where things stand: people, channel, thread, fleet. */
export const frame = `
body { display: grid; grid-template-columns: 232px minmax(0, 1fr) 336px; grid-template-rows: 100dvh; overflow: hidden; }
body[data-fleet=false] { grid-template-columns: 232px minmax(0, 1fr); }
body.with-thread { grid-template-columns: 232px minmax(0, 1fr) minmax(0, 380px) 336px; }
body.with-thread[data-fleet=false] { grid-template-columns: 232px minmax(0, 1fr) 420px; }
.side { background: var(--side); color: var(--side-ink); padding: 16px 10px; display: flex; flex-direction: column; gap: 4px; overflow: auto; }
.side h1 { display: flex; align-items: center; gap: 7px; font-size: 17px; letter-spacing: -.01em; padding: 0 8px; }
.side h1 svg { width: 20px; color: #63d3a6; }
.side h1 small { font-weight: 500; font-size: 12px; color: var(--side-soft); border: 1px solid var(--side-lit); border-radius: 99px; padding: 1px 8px; margin-left: 2px; }
.side h2 { font-size: 12px; font-weight: 600; color: var(--side-soft); padding: 18px 8px 4px; }
.bot-status { padding: 0 8px; font-size: 13px; color: #f0b765; }
.bot-status.on { color: #63d3a6; }
.people { display: flex; flex-direction: column; gap: 2px; }
.person { display: flex; gap: 10px; align-items: center; text-align: left; border: 0; border-radius: 9px; background: none; color: inherit; padding: 7px 8px; }
.person:hover { background: rgb(255 255 255 / .06); }
.person[aria-pressed=true] { background: var(--side-lit); box-shadow: inset 3px 0 0 #35b5a3; }
.person b { display: block; font-size: 14px; font-weight: 600; line-height: 1.25; }
.person small { display: block; font-size: 12px; color: var(--side-soft); line-height: 1.3; }
.person.faded .avatar { filter: grayscale(.8); opacity: .75; }
main, .thread { display: flex; flex-direction: column; min-width: 0; background: var(--paper); }
.thread { border-left: 1px solid var(--line); }
.head, .thread > header { display: flex; align-items: center; justify-content: space-between; height: 52px; padding: 0 18px; border-bottom: 1px solid var(--line); flex: none; }
.thread > header h2 { font-size: 15px; }
.head nav { display: flex; gap: 4px; height: 100%; }
.head nav button { border: 0; background: none; padding: 0 10px; color: var(--soft); font-weight: 600; border-bottom: 2px solid transparent; border-top: 2px solid transparent; white-space: nowrap; }
.head nav button:hover { color: var(--ink); }
.head nav button[aria-current] { color: var(--ink); border-bottom-color: var(--accent); }
.fleet { border-left: 1px solid var(--line); padding: 14px; overflow: auto; display: flex; flex-direction: column; gap: 10px; }
.composer { position: relative; display: flex; align-items: flex-end; gap: 6px; margin: 0 18px 16px; padding: 6px 6px 6px 14px; border: 1px solid var(--line); border-radius: 12px; background: var(--paper); flex: none; }
.composer:focus-within { border-color: var(--accent); box-shadow: 0 0 0 3px var(--accent-soft); }
.composer textarea { flex: 1; min-width: 0; resize: none; border: 0; background: none; padding: 5px 0; outline: none; line-height: 1.4; }
.composer textarea::placeholder { color: var(--soft); }
.send { width: 34px; height: 34px; border: 0; border-radius: 8px; background: var(--accent); color: var(--accent-ink); font-size: 17px; }
.count { display: inline-block; margin-left: 5px; min-width: 18px; padding: 0 5px; border-radius: 99px; background: var(--danger); color: var(--paper); font-size: 11.5px; line-height: 18px; text-align: center; }
body:is([data-tab=home], [data-tab=night]) main .composer { display: none; }
body[data-tab=night] main .messages { overflow: auto; padding: 0; }
.night-view { width: max-content; min-width: 100%; padding: 8px 10px 24px; }
.offline .bot-status::after { content: ' (page offline, trying again)'; }
`;
