import type { Ui } from './ui.ts';

/** Confirm dialogs, modals and the passing notices at the bottom. */
export function dialogs(ui: Ui): void {
  ui.confirmed = (button) => {
    const asked = button.parentElement?.querySelector<HTMLTemplateElement>('template.confirm');
    return asked ? show(asked.content.cloneNode(true)) : Promise.resolve(true);
  };

  ui.asked = ({ title, text, yes }) => {
    const content = document.querySelector<HTMLTemplateElement>('template.ask')?.content.cloneNode(true);
    if (!(content instanceof DocumentFragment)) return Promise.resolve(false);
    const write = (selector: string, words: string) => content.querySelector(selector)?.replaceChildren(words);
    write('h2', title);
    write('p', text);
    write('[data-answer="yes"]', yes);
    return show(content);
  };

  const show = (content: Node): Promise<boolean> => {
    const dialog = document.querySelector<HTMLDialogElement>('dialog.confirm-dialog');
    if (!dialog) return Promise.resolve(false);
    dialog.replaceChildren(content);
    for (const listener of ui.onPatch) listener();
    dialog.returnValue = '';
    dialog.showModal();
    dialog.querySelector<HTMLElement>('[data-answer="no"]')?.focus();
    return new Promise((resolve) => {
      dialog.onclose = () => resolve(dialog.returnValue === 'yes');
      dialog.onclick = (event) => {
        const answer = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-answer]') : null;
        if (answer) dialog.close(answer.dataset.answer);
        else if (event.target === dialog) dialog.close('no');
      };
    });
  };

  let hiding: ReturnType<typeof setTimeout>;
  ui.toast = (text) => {
    const toast = document.querySelector<HTMLElement>('.toast');
    if (!toast) return;
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => {
      toast.hidden = true;
    }, 5000);
  };

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('[data-modal]')) return;
    event.preventDefault();
    const values: Record<string, string[]> = {};
    for (const field of form.elements) {
      if (field.hasAttribute('name')) values[field.getAttribute('name') ?? ''] = [];
    }
    for (const [name, value] of new FormData(form)) values[name]?.push(String(value));
    for (const field of form.querySelectorAll<HTMLInputElement>('input[type="datetime-local"]'))
      values[field.name] = field.value === '' ? [] : [`${Math.floor(new Date(field.value).getTime() / 1_000)}`];
    void ui.act({ do: 'submit', values });
  });

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && document.querySelector('[data-modal]')) void ui.act({ do: 'closeModal' });
  });

  /** Times that are filled in already, in the zone of the browser. */
  const showTimes = (modal: Element): void => {
    for (const field of modal.querySelectorAll<HTMLInputElement>('input[data-at]')) {
      const at = Number(field.dataset.at) * 1_000;
      const local = at - new Date(at).getTimezoneOffset() * 60_000;
      field.value = new Date(local).toISOString().slice(0, 16);
    }
  };

  // The first field of a modal that has just opened.
  let opened: Element | null = null;
  ui.onPatch.push(() => {
    const modal = document.querySelector('[data-modal]');
    if (modal && modal !== opened) showTimes(modal);
    if (modal && modal !== opened)
      modal.querySelector<HTMLElement>('.modal-body :is(input, textarea, select)')?.focus();
    opened = modal;
  });
}
