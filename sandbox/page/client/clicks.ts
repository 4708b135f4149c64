import type { Ui } from './ui.ts';

/** Everything on the page that can be pressed. */
export function clicks(ui: Ui): void {
  const press = async (button: HTMLElement) => {
    if (!(await ui.confirmed(button))) return;
    button.setAttribute('aria-busy', 'true');
    await ui.act({ do: 'click', where: button.dataset.where, match: button.dataset.match });
    button.removeAttribute('aria-busy');
  };

  const openThread = (ts: string | null) => {
    const pane = document.querySelector<HTMLElement>('aside.thread');
    const before = ui.look.thread;
    const isInside = pane?.contains(document.activeElement) === true;
    if (pane) pane.hidden = ts === null;
    // Whoever goes by the keyboard is brought along, and back to where they came from.
    if (ts !== null) pane?.querySelector<HTMLElement>('[role=log]')?.focus({ preventScroll: true });
    else if (isInside) document.querySelector<HTMLElement>(`main [data-thread="${CSS.escape(before ?? '')}"]`)?.focus();
    document.body.classList.toggle('with-thread', ts !== null);
    ui.setLook({ thread: ts });
  };

  const showTab = (tab: string) => {
    for (const one of document.querySelectorAll('[data-tab-to]')) {
      if (one.getAttribute('data-tab-to') === tab) one.setAttribute('aria-current', 'page');
      else one.removeAttribute('aria-current');
    }
    openThread(null);
    const field = document.querySelector<HTMLTextAreaElement>('#composer textarea');
    if (field) field.placeholder = tab === 'direct' ? 'Message zeitwork' : (field.getAttribute('aria-label') ?? '');
    ui.setLook({ tab });
    if (tab === 'home') void ui.act({ do: 'openHome' });
  };

  const become = (as: string) => {
    openThread(null);
    ui.setLook({ as });
    if (ui.look.tab === 'home') void ui.act({ do: 'openHome' });
  };

  const kinds: [selector: string, run: (element: HTMLElement) => void][] = [
    ['[data-click]', (button) => void press(button)],
    ['[data-as]:not(body)', (button) => become(button.dataset.as ?? '')],
    ['[data-tab-to]', (button) => showTab(button.dataset.tabTo ?? 'channel')],
    ['[data-thread]', (button) => openThread(button.dataset.thread ?? null)],
    ['[data-close-thread]', () => openThread(null)],
    ['[data-dismiss]', (button) => void ui.act({ do: 'dismiss', ts: button.dataset.dismiss })],
    ['[data-close-modal]', () => void ui.act({ do: 'closeModal' })],
    ['[data-jump]', () => void ui.act({ do: 'jump' })],
    ['[data-reset]', () => void ui.act({ do: 'reset' })],
    [
      '[data-fill]',
      (chip) => {
        if (ui.look.tab !== 'channel') showTab('channel');
        ui.fill(chip.dataset.fill ?? '');
      },
    ],
    [
      '[data-inject]',
      (button) => {
        button.closest('details')?.removeAttribute('open');
        void ui.act({ do: 'inject', node: button.dataset.node, fault: button.dataset.inject });
      },
    ],
  ];

  document.addEventListener('click', (event) => {
    if (!(event.target instanceof Element)) return;
    for (const menu of document.querySelectorAll('details[data-menu][open]'))
      if (!menu.contains(event.target)) menu.removeAttribute('open');
    for (const [selector, run] of kinds) {
      const found = event.target.closest<HTMLElement>(selector);
      if (found) return run(found);
    }
  });

  document.addEventListener('keydown', (event) => {
    const inThread = event.target instanceof Element && event.target.closest('aside.thread') !== null;
    if (event.key === 'Escape' && inThread && !event.defaultPrevented) openThread(null);
  });

  document.addEventListener('change', (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLSelectElement) || !menu.matches('[data-pick]') || menu.value === '') return;
    void ui.act({ do: 'click', where: menu.dataset.where, match: menu.dataset.match, pick: menu.value });
    menu.value = '';
  });
}
