/** Blocks: what the library draws, brought into the page's colours, and the controls that the page draws. */
export const blocks = `
.drawn .slack_blocks_to_jsx { max-width: 640px; font-family: inherit; white-space: normal; }
.drawn :is(p, code) { white-space: pre-wrap; }
.drawn :is(.slack_blocks_to_jsx--block_wrapper, [class*='dark:text-dark-text-primary'], [class*='text-black-']) { color: inherit; }
.drawn .slack_blocks_to_jsx--block_wrapper { background: none; font-size: inherit; line-height: inherit; }
.drawn .text-primary { font-size: inherit; line-height: inherit; }
.drawn .slack_blocks_to_jsx__section { margin: 2px 0; }
.drawn .slack_blocks_to_jsx__section .grid { gap: 6px 20px; }
.drawn .slack_blocks_to_jsx__header { margin: 2px 0; }
.drawn .slack_blocks_to_jsx__header_heading { font-size: 18px; font-weight: 700; line-height: 1.35; letter-spacing: -.01em; }
.drawn .slack_blocks_to_jsx__context, .drawn .slack_blocks_to_jsx__context [class*='text-black-'] { color: var(--soft); font-size: 13px; line-height: 1.45; }
.drawn .slack_blocks_to_jsx__divider { border-color: var(--line); margin: 8px 0; }
.drawn :is(.slack_code_inline, .slack_code) { color: var(--ink); background: var(--faint); border: 1px solid var(--line); font-family: var(--mono); font-size: .86em; }
.drawn .slack_code { overflow-x: auto; border-radius: 8px; padding: 8px 10px; }
.drawn .slack_link { color: var(--link); }
.drawn :is(.slack_user, .slack_user_group, .slack_channel) { background: var(--accent-soft); color: var(--accent); border-radius: 4px; padding: 1px 3px; font-weight: 500; }
.drawn .slack_blocks_to_jsx__table { max-width: 100%; overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; font-size: 13.5px; }
.drawn .slack_blocks_to_jsx__table :is(td, tr) { border-color: var(--line); }
.drawn .slack_blocks_to_jsx__plan_title { font-size: 15px; font-weight: 700; }
.drawn .slack_blocks_to_jsx__task_card { border: 1px solid var(--line); padding: 7px 10px; border-radius: 8px; }
.drawn time { border-bottom: 1px dotted var(--soft); }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 4px; }
.with-accessory { display: flex; justify-content: space-between; align-items: flex-start; gap: 16px; max-width: 640px; }
.with-accessory > .drawn { min-width: 0; flex: 1; }
.with-accessory > :last-child { flex: none; margin-top: 4px; }
.menu { border: 1px solid var(--line); border-radius: 7px; background: var(--paper); padding: 5px 8px; font-size: 14px; max-width: 220px; }
.home-view { padding: 12px 28px 40px; max-width: 820px; margin: 0 auto; }
.home-view .drawn .slack_blocks_to_jsx, .home-view .with-accessory { max-width: none; }
`;
