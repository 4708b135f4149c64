/** What lies above the page: completions, confirm dialogs, modals, notices. */
export const overlays = `
.suggestions { position: absolute; left: 0; right: 0; bottom: calc(100% + 6px); z-index: 6; max-height: 320px; overflow: auto; padding: 5px; border: 1px solid var(--line); border-radius: 12px; background: var(--paper); box-shadow: var(--shadow); }
.suggestion { display: flex; gap: 14px; align-items: baseline; padding: 6px 10px; border-radius: 7px; cursor: pointer; }
.suggestion span { color: var(--soft); font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.suggestion code { white-space: nowrap; }
.suggestion[aria-selected=true], .suggestion:hover { background: var(--accent-soft); }
.confirm-dialog { border: 0; border-radius: 14px; padding: 20px 22px; width: min(430px, calc(100vw - 32px)); color: var(--ink); background: var(--paper); box-shadow: var(--shadow); }
.confirm-dialog::backdrop, .veil { background: rgb(8 20 26 / .5); }
.confirm-dialog h2, .modal h2 { font-size: 18px; letter-spacing: -.01em; }
.confirm-dialog h2 { margin-bottom: 6px; }
.dialog-buttons { display: flex; justify-content: flex-end; gap: 10px; margin-top: 18px; }
.dialog-buttons .button { padding: 7px 15px; }
.dialog-buttons .button.danger { background: var(--danger); color: var(--paper); }
.veil { position: fixed; inset: 0; z-index: 20; display: grid; place-items: center; padding: 16px; }
.modal { width: min(540px, 100%); max-height: 100%; display: flex; flex-direction: column; border-radius: 14px; background: var(--paper); box-shadow: var(--shadow); }
.modal > header, .modal > footer { display: flex; align-items: center; padding: 14px 20px; margin: 0; }
.modal > header { justify-content: space-between; border-bottom: 1px solid var(--line); }
.modal > footer { border-top: 1px solid var(--line); }
.modal-body { overflow: auto; padding: 14px 20px; display: grid; gap: 12px; }
.field { display: grid; gap: 4px; }
.field > label:first-child { font-weight: 600; }
.field small, .field label small { color: var(--soft); font-weight: 400; }
.field :is(input:not([type=checkbox], [type=radio]), textarea, select) { width: 100%; border: 1px solid var(--line); border-radius: 8px; padding: 7px 10px; background: var(--paper); }
.field.wrong :is(input, textarea, select) { border-color: var(--danger); }
[role=alert] { color: var(--danger); font-size: 13.5px; }
.tick { font-weight: 400; }
.toast { position: fixed; z-index: 30; left: 50%; bottom: 90px; translate: -50% 0; max-width: min(520px, calc(100vw - 32px)); padding: 9px 16px; border-radius: 10px; background: var(--ink); color: var(--paper); box-shadow: var(--shadow); font-size: 14px; }
`;
