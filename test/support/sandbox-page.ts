import type { Locator, Page } from 'playwright-core';

/** How a person uses the sandbox's page, for tests and for the pictures of the documentation. */
export function atSandbox(page: Page) {
  const log = page.getByRole('log', { name: 'Messages' });
  const button = (name: string | RegExp): Locator => log.getByRole('button', { name }).last();
  const confirm = (name: string) => page.getByRole('dialog', { name: 'Confirm' }).getByRole('button', { name }).click();
  return {
    log,
    button,
    message: (text: string | RegExp): Locator => log.getByRole('article').filter({ hasText: text }).last(),
    become: (name: string) => page.getByRole('button', { name }).first().click(),
    jump: () => page.getByRole('button', { name: 'Jump to the next window' }).click(),
    async type(line: string) {
      const composer = page.getByRole('textbox', { name: /^Message #/ });
      await composer.fill(line);
      await composer.press('Enter');
    },
    /** Waits until it is asked for. */
    async approve(region: string) {
      await button(`Approve ${region}`).click({ timeout: 120_000 });
      await confirm(`Approve ${region}`);
    },
  };
}
