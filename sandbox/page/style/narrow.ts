/** Narrower windows: the thread covers the channel, and on a phone the fleet is a tab of its own. */
export const narrow = `
@media (max-width: 1240px) {
  body.with-thread { grid-template-columns: 200px minmax(0, 1fr) 320px; }
  body, body[data-fleet=true] { grid-template-columns: 200px minmax(0, 1fr) 320px; }
  body.with-thread main { display: none; }
}
@media (max-width: 860px) {
  body, body.with-thread, body[data-fleet] { grid-template-columns: minmax(0, 1fr); grid-template-rows: auto minmax(0, 1fr); height: 100dvh; }
  .side { flex-direction: row; align-items: center; padding: 8px 10px; gap: 8px; }
  .side h1, .side h2 { position: absolute; width: 1px; height: 1px; padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .bot-status { font-size: 0; padding: 0; }
  .bot-status span { font-size: 14px; }
  .people { flex-direction: row; }
  .person { padding: 4px 10px 4px 4px; gap: 7px; white-space: nowrap; }
  .person .avatar { width: 28px; height: 28px; font-size: 11px; border-radius: 8px; }
  .person small { display: none; }
  .person b { font-size: 13px; }
  .person[aria-pressed=true] { box-shadow: inset 0 0 0 2px #35b5a3; }
  .narrow-only { display: block; }
  .wide-only { display: none; }
  .head { padding: 0 6px; overflow-x: auto; }
  .message, .thread .message { padding: 8px 12px; }
  .composer { margin: 0 10px 10px; }
  .composer textarea { font-size: 16px; }
  .fleet { display: none; }
  body[data-tab=fleet] { grid-template-rows: auto auto minmax(0, 1fr); }
  body[data-tab=fleet] .fleet { display: flex; border: 0; }
  body[data-tab=fleet] main > :not(.head) { display: none; }
  .home-view { padding: 8px 14px 30px; }
  .with-accessory { flex-wrap: wrap; gap: 4px; }
  .reply { position: static; opacity: 1; border: 0; padding: 0; background: none; }
  .thread { border: 0; }
  .suggestion { flex-wrap: wrap; gap: 0 12px; }
}
`;
