import type { Ui } from './ui.ts';

/** The lines a person writes: completion of commands, history with the arrow keys, Enter to send. */
export function composer(ui: Ui): void {
  type Suggestion = { text: string; about: string };
  const history: string[] = [];

  const wire = (form: HTMLFormElement, isThread: boolean) => {
    const field = form.querySelector('textarea');
    const list = form.querySelector<HTMLElement>('.suggestions');
    if (!field || !list) return;
    const all: Suggestion[] = JSON.parse(form.dataset.completions ?? '[]');
    let offered: Suggestion[] = [];
    let chosen = -1;
    let back = history.length;

    const draw = () => {
      list.hidden = offered.length === 0;
      list.replaceChildren(
        ...offered.map((one, index) => {
          const option = document.createElement('div');
          option.className = 'suggestion';
          option.id = `${form.id}-${index}`;
          option.setAttribute('role', 'option');
          option.setAttribute('aria-selected', String(index === chosen));
          const code = document.createElement('code');
          code.textContent = one.text;
          const about = document.createElement('span');
          about.textContent = one.about;
          option.append(code, about);
          option.onmousedown = (event) => {
            event.preventDefault();
            put(one.text);
          };
          return option;
        }),
      );
      field.setAttribute('aria-activedescendant', list.children[chosen]?.id ?? '');
      list.children[chosen]?.scrollIntoView({ block: 'nearest' });
    };
    const suggest = () => {
      const typed = field.value.toLowerCase();
      const fits = (one: Suggestion) =>
        one.text.toLowerCase().startsWith(typed) && one.text.trim() !== field.value.trim();
      offered = typed.startsWith('/') && !typed.includes('\n') ? all.filter(fits) : [];
      chosen = -1;
      draw();
    };
    const put = (text: string) => {
      field.value = text;
      field.focus();
      field.setSelectionRange(text.length, text.length);
      grow();
      suggest();
    };
    const grow = () => {
      field.style.height = 'auto';
      field.style.height = `${Math.min(field.scrollHeight, 140)}px`;
    };
    const send = () => {
      const text = field.value.trim();
      if (text === '') return;
      if (history.at(-1) !== text) history.push(text);
      back = history.length;
      put('');
      ui.toEnd = true;
      void ui.act({ do: 'say', text, thread: isThread ? ui.look.thread : null });
    };
    const move = (by: number) => {
      if (offered.length > 0 && field.value !== '' && field.value !== history[back]) {
        chosen = (chosen + by + offered.length + (chosen < 0 && by < 0 ? 1 : 0)) % offered.length;
        draw();
        return;
      }
      back = Math.max(0, Math.min(history.length, back + by));
      put(history[back] ?? '');
      offered = [];
      draw();
    };

    field.oninput = () => {
      back = history.length;
      grow();
      suggest();
    };
    field.onblur = () => {
      offered = [];
      draw();
    };
    field.onkeydown = (event) => {
      const completes = event.key === 'Tab' || (event.key === 'Enter' && chosen >= 0);
      const choice = offered[Math.max(chosen, 0)];
      if (completes && choice) put(choice.text);
      else if (event.key === 'Enter' && !event.shiftKey) send();
      else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') move(event.key === 'ArrowUp' ? -1 : 1);
      else if (event.key === 'Escape') {
        offered = [];
        draw();
      } else return;
      event.preventDefault();
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      send();
    };
    if (!isThread) ui.fill = put;
  };

  window.addEventListener('DOMContentLoaded', () => {
    for (const form of document.querySelectorAll<HTMLFormElement>('form.composer'))
      wire(form, form.id === 'thread-composer');
  });
}
