import type { Ui } from './ui.ts';

/** Replaces the pieces that changed, and leaves alone what the person is doing: scrolling, open menus, the focus. */
export function patching(ui: Ui): void {
  type Change = { order: string[]; changed: Record<string, string> };

  const elementOf = (html: string) => {
    const template = document.createElement('template');
    template.innerHTML = html;
    return template.content.firstElementChild;
  };

  const keepOpen = (before: Element, after: Element) => {
    for (const menu of before.querySelectorAll('details[open]')) {
      const name = menu.getAttribute('data-menu') ?? '';
      after.querySelector(`details[data-menu="${CSS.escape(name)}"]`)?.setAttribute('open', '');
    }
  };

  /** The same button in the new piece, found by what it does. */
  const twinOf = (focused: Element | null, before: Element, after: Element) => {
    if (!focused || !before.contains(focused)) return null;
    if (before === focused) return after;
    const place = [...before.querySelectorAll(focused.tagName)].indexOf(focused);
    return after.querySelectorAll(focused.tagName)[place] ?? null;
  };

  const patch = (list: Element, { order, changed }: Change) => {
    const known = new Map([...list.children].map((child) => [child.getAttribute('data-key'), child]));
    order.forEach((key, index) => {
      const before = known.get(key);
      const after = changed[key] === undefined ? before : elementOf(changed[key]);
      if (!after) return;
      if (before && before !== after) {
        keepOpen(before, after);
        const twin = twinOf(document.activeElement, before, after);
        before.replaceWith(after);
        if (twin instanceof HTMLElement) twin.focus({ preventScroll: true });
      }
      if (list.children[index] !== after) list.insertBefore(after, list.children[index] ?? null);
    });
    for (const child of [...list.children].slice(order.length)) child.remove();
  };

  window.addEventListener('lists', (event) => {
    if (!(event instanceof CustomEvent)) return;
    for (const [name, change] of Object.entries<Change>(event.detail)) {
      for (const list of document.querySelectorAll(`[data-list="${name}"]`)) {
        const atEnd = ui.toEnd || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
        patch(list, change);
        if (atEnd && list.classList.contains('messages')) list.scrollTop = list.scrollHeight;
      }
    }
    ui.toEnd = false;
    for (const listener of ui.onPatch) listener();
  });
}
