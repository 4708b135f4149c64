import type { Ui } from './ui.ts';

/** Tells the drawn blocks whether it is dark; the rest of the page knows by itself. */
export function theme(_ui: Ui): void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    document.documentElement.dataset.theme = dark.matches ? 'dark' : 'light';
  };
  dark.addEventListener('change', apply);
  apply();
}
