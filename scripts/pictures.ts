// Draws docs/images anew, from stories that are played in the sandbox: npm run pictures [-- form|first|scheduled …]
import { resolve } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { type SandboxOptions, startSandbox } from '../sandbox/start.ts';
import { openBrowser } from '../test/support/browser.ts';
import { atSandbox } from '../test/support/sandbox-page.ts';

const folder = resolve(import.meta.dirname, '../docs/images');
const rosa = 'Rosa Lindqvist';
const ines = 'Inês Duarte';

async function draw(name: string, what: Page | Locator): Promise<void> {
  const path = `${folder}/${name}.png`;
  await what.screenshot({ path });
  console.log(path);
}

type Play = Omit<SandboxOptions, 'port' | 'say'> & { scale: number; tell(page: Page): Promise<void> };

async function play(browser: Browser, { scale, tell, ...options }: Play): Promise<void> {
  const sandbox = await startSandbox({ port: 0, say: () => undefined, ...options });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 940 }, deviceScaleFactor: scale });
    page.setDefaultTimeout(120_000);
    await page.goto(sandbox.pageUrl);
    await tell(page);
    await page.close();
  } finally {
    await sandbox.close();
  }
}

/** What asks instead of being typed, and the dashboard, also on a phone. */
async function formAndHome(page: Page): Promise<void> {
  const { become, type, button } = atSandbox(page);
  const modal = page.locator('[data-modal]');
  await become(rosa);
  await type('/zeitwork upgrade --strategy regions');
  await modal.getByText('Show the plan').waitFor();
  await modal.locator('select[name="version"]').selectOption('v2.0.0');
  await draw('form', modal);
  await modal.getByText('Show the plan').click();
  await button('Start').waitFor();
  await page.locator('[data-tab-to="home"]').click();
  const home = page.locator('.home-view');
  await home.getByText('Upgrade…').waitFor();
  await home.getByText('Versions').waitFor();
  await draw('home', home);
  await page.setViewportSize({ width: 375, height: 812 });
  await draw('home-phone', page);
  await home.getByText('Upgrade…').click();
  await modal.getByText('Show the plan').waitFor();
  await draw('form-phone', page);
}

/** What a newcomer sees, as they see it. */
async function firstUpgrade(page: Page): Promise<void> {
  const { button, message, become, type, approve } = atSandbox(page);
  await become(rosa);
  await type('/zeitwork upgrade v2.0.0');
  await button('Start').click();
  await become(ines);
  await button('Approve eu-west').waitFor();
  await draw('gate', page);
  await approve('eu-west');
  await approve('ap-south');
  // The head of the thread tells it, too.
  await message(/v2\.0\.0: done, every node proven.*is on all 9 nodes/s).waitFor();
  await draw('finished', page);
}

/** Message by message. */
async function scheduledUpgrade(page: Page): Promise<void> {
  const { button, message, become, type, approve, jump } = atSandbox(page);
  await become(rosa);
  await type('/zeitwork schedule v2.0.0 --next');
  await button(/^Schedule for/).waitFor();
  await draw('preview', message('Plan: zeitwork-operator'));
  await button(/^Schedule for/).click();
  await button('Cancel it').waitFor();
  await button('Approve eu-west').waitFor();
  await draw('announcement', message('is scheduled by'));
  await type('/zeitwork why');
  await message('scheduled for later').waitFor();
  await draw('why', message('scheduled for later'));

  await jump();
  await message('Still waiting').waitFor();
  await page.locator('.toast').waitFor({ state: 'hidden' });
  await draw('reminder', message('Still waiting'));

  await become(ines);
  await approve('eu-west');
  await approve('us-east');
  await message('us-east approved by').waitFor();
  await draw('decided', message('us-east approved by'));
}

/** Which stories; none named: all. */
const asked = process.argv.slice(2);
const isAsked = (story: string): boolean => asked.length === 0 || asked.includes(story);

const browser = await openBrowser();
try {
  if (isAsked('form')) await play(browser, { windows: 'always', scale: 1.5, tell: formAndHome });
  if (isAsked('first')) await play(browser, { windows: 'always', scale: 1, tell: firstUpgrade });
  // Twenty minutes before the first window opens: what is asked for now is called again when the clock jumps there.
  const startAt = Date.UTC(2026, 11, 1, 1, 40);
  if (isAsked('scheduled')) await play(browser, { windows: 'guide', startAt, scale: 1.5, tell: scheduledUpgrade });
} finally {
  await browser.close();
}
