import type { App } from '@slack/bolt';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import type { FleetNode, Question } from '../../sandbox/slack/types.ts';
import { suggestions } from '../../sandbox/suggestions.ts';
import { manual } from '../../src/bot/command.ts';
import { packOf, picture } from '../../src/upgrade/report/index.ts';
import { openBrowser } from '../support/browser.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';
import { record, startToyBot } from '../support/toy-bot.ts';
import { toyFleet } from '../support/toy-fleet.ts';
import { badNight, journalIn } from '../upgrade/report/nights.ts';

let browser: Browser;
let slack: Slack;
let bot: App;
let page: Page;
let nodes: FleetNode[];
let question: Question | null = null;
let drawn: string | null = null;
const errors: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  const toy = toyFleet();
  question = null;
  drawn = null;
  toy.controls.beforeReset = async () => question;
  nodes = toy.nodes;
  const tries = [
    { text: '/zeitwork upgrade v2.0.0 --now', about: 'a good release' },
    {
      text: '/zeitwork upgrade v2.1.0-never-healthy --now',
      about: 'starts, and never becomes healthy: it must stop at the first node',
    },
  ];
  const completions = suggestions();
  const night = () => drawn;
  slack = await startSlack({
    ...workspaceOptions(),
    ...toy,
    tries,
    completions,
    night,
    hint: '/zeitwork upgrade v2.0.0',
  });
  bot = await startToyBot(slack);
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(10_000);
  errors.length = 0;
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(slack.pageUrl);
});

afterEach(async () => {
  await page.close();
  await bot.stop();
  await slack.close();
  expect(errors).toEqual([]);
});

const composer = () => page.getByRole('textbox', { name: 'Message #control-plane' });
const log = () => page.getByRole('log', { name: 'Messages' });
const message = (text: string) => log().getByRole('article').filter({ hasText: text });

async function type(line: string): Promise<void> {
  await composer().fill(line);
  await composer().press('Enter');
}

async function become(name: string): Promise<void> {
  await page.getByRole('button', { name }).click();
}

/** Set SCREENSHOTS to a folder to look at what the tests see. */
async function snapshot(name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

describe('the page', () => {
  it('tells a newcomer what to type, and fills it in at a click', async () => {
    await snapshot('first');
    await page.getByRole('button', { name: 'Put /zeitwork upgrade v2.0.0 into the composer', exact: true }).click();
    expect(await composer().inputValue()).toBe('/zeitwork upgrade v2.0.0');
  });

  it('shows the night as a picture once there was one, and on a phone all of it by scrolling', async () => {
    await page.getByRole('button', { name: 'Night' }).click();
    await log().getByText('No night yet').waitFor();
    drawn = picture(packOf(journalIn(badNight())), { U0ROSA: 'rosa' });
    await page.getByRole('img', { name: 'v2.0.0 on production, node by node' }).waitFor();
    await expect.poll(() => composer().isVisible()).toBe(false);
    await snapshot('night');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 375, height: 700 });
    await page.getByRole('button', { name: 'Night' }).click();
    await page.getByText('us-east-op-2').first().waitFor();
    const wide = () =>
      log().evaluate((list) => [list.scrollWidth > list.clientWidth, document.body.scrollWidth <= 375]);
    expect(await wide()).toEqual([true, true]);
    await log().evaluate((list) => list.scrollTo(700, 0));
    await snapshot('night-375');
  });

  it('shows an ephemeral to one person only, until it is dismissed', async () => {
    await type('/zeitwork hello');
    await message('Only visible to you').waitFor();
    expect(await message('You typed').count()).toBe(1);
    await become('Ines Duarte');
    await expect.poll(() => message('You typed').count()).toBe(0);
    await become('Rosa Weber');
    await message('You typed').getByRole('button', { name: 'Dismiss' }).click();
    await expect.poll(() => message('You typed').count()).toBe(0);
  });

  it('asks before a button with a confirm dialog, and does nothing at No', async () => {
    await type('/zeitwork upgrade v2.0.0');
    await page.getByRole('button', { name: 'Approve eu-west' }).click();
    const dialog = page.getByRole('dialog', { name: 'Confirm' });
    expect(await dialog.textContent()).toContain('Three nodes go to v2.0.0');
    await snapshot('confirm');
    const before = slack.envelopes();
    await dialog.getByRole('button', { name: 'Not yet' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(slack.envelopes()).toBe(before);
  });

  it('follows a click: the edit, the thread, the direct message', async () => {
    await type('/zeitwork upgrade v2.0.0');
    await page.getByRole('button', { name: 'Approve eu-west' }).waitFor();
    await become('Ines Duarte');
    await page.getByRole('button', { name: 'Approve eu-west' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve eu-west' }).click();
    await message('(edited)').waitFor();
    expect(await message('(edited)').textContent()).toContain('eu-west approved by @ines');
    expect(await message('replied to a thread').count()).toBe(1);
    await message('Your approval is noted.').waitFor();
    await page.getByRole('button', { name: /^3 replies/ }).click();
    const replies = page.getByRole('log', { name: 'Replies' });
    await replies.getByText('done in 41 s').waitFor();
    await page.getByRole('textbox', { name: 'Reply…' }).fill('lgtm');
    await page.getByRole('textbox', { name: 'Reply…' }).press('Enter');
    await replies.getByText('lgtm').waitFor();
    await snapshot('thread');
    await page.getByRole('button', { name: 'Close the thread' }).click();
    await page.getByRole('button', { name: 'Direct messages 1 unread' }).click();
    await message('I tell you here how it ends').waitFor();
    await page.getByRole('button', { name: 'Direct messages', exact: true }).click();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: 'control-plane' }).click();
    await message('(edited)').waitFor();
    await snapshot('dark');
  });

  it('opens a modal, keeps it when a field is missing, and sends what was put in', async () => {
    await type('/zeitwork freeze');
    const modal = page.getByRole('dialog', { name: 'Freeze upgrades' });
    await modal.getByRole('button', { name: 'Freeze' }).click();
    await modal.getByText('Please complete this required field.').waitFor();
    await snapshot('modal');
    await modal.getByRole('textbox', { name: 'Reason' }).fill('the autumn sale');
    await modal.getByRole('button', { name: 'Freeze' }).click();
    await message('froze all upgrades: the autumn sale').waitFor();
    expect(await modal.count()).toBe(0);
  });

  it('shows the Home tab that the app publishes', async () => {
    await page.getByRole('button', { name: 'Home' }).click();
    await page.getByRole('button', { name: 'Upgrade…' }).waitFor();
    await snapshot('home');
  });

  it('completes commands and remembers what was typed', async () => {
    await type('/zeitwork hello');
    await composer().pressSequentially('/zeitwork up');
    await page.getByRole('option', { name: '/zeitwork upgrade' }).waitFor();
    await snapshot('completion');
    await composer().press('Tab');
    expect(await composer().inputValue()).toBe('/zeitwork upgrade ');
    await composer().fill('');
    await composer().press('ArrowUp');
    expect(await composer().inputValue()).toBe('/zeitwork hello');
  });

  it('offers every verb that the manual has, and no other', async () => {
    await composer().pressSequentially('/zeitwork ');
    const offered = page.getByRole('listbox', { name: 'Commands' }).first().getByRole('option');
    await expect.poll(() => offered.count()).toBe(Object.keys(manual).length);
    const verbs = (await offered.locator('code').allTextContents()).map((text) => text.trim().split(' ')[1]);
    expect(verbs).toEqual(Object.keys(manual));
    await composer().pressSequentially('unf');
    expect(await offered.allTextContents()).toEqual([`/zeitwork unfreeze ${manual.unfreeze.what}`]);
  });

  it('remembers who one is over a reload', async () => {
    await become('Ines Duarte');
    await page.reload();
    await expect.poll(() => page.locator('.person[aria-pressed=true]').textContent()).toContain('Ines Duarte');
    await type('/zeitwork hello');
    await message('You typed').waitFor();
    await page.evaluate(() => sessionStorage.setItem('as', 'U-gone'));
    await page.reload();
    await expect.poll(() => page.locator('.person[aria-pressed=true]').textContent()).toContain('Rosa Weber');
  });

  it('says it when the app does not answer', async () => {
    await bot.stop();
    await page.getByText('zeitwork is not connected').waitFor();
    await type('/zeitwork status');
    await message('failed with the error').waitFor();
    expect(await message('failed with the error').textContent()).toContain(
      '/zeitwork failed with the error dispatch_failed',
    );
  });
});

describe('blocks', () => {
  it('of every kind are drawn, and markup that was escaped stays text', async () => {
    await bot.client.chat.postMessage({ channel: 'C1', text: 'the record', blocks: record });
    await message('Record of the upgrade').waitFor();
    const text = await message('Record of the upgrade').textContent();
    for (const part of ['eu-west-1 upgraded', 'p99', '<b>not bold</b>', '<!channel> @channel', '10.0.0.1'])
      expect(text).toContain(part);
    expect(await message('Record of the upgrade').locator('b', { hasText: 'not bold' }).count()).toBe(0);
    await snapshot('record');
  });
});

describe('the times of a window', () => {
  it('are drawn as they are written, and not as the name of an emoji', async () => {
    const text = 'open: daily 00:00–00:00, Tue-Thu 02:00–06:00 (Europe/Dublin)';
    const blocks = [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text, verbatim: true } }];
    await bot.client.chat.postMessage({ channel: 'C1', text, blocks });
    await message('Europe/Dublin').waitFor();
    expect(await message('Europe/Dublin').textContent()).toContain(text);
  });

  it('nor are two lines with a colon each, while an emoji stays one', async () => {
    const text = 'Signed with the key SHA256:ryJtgoSEOglb\nCompatible: agents on 9 of 9 :rotating_light: *now*';
    const blocks = [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text } }];
    await bot.client.chat.postMessage({ channel: 'C1', text, blocks });
    await message('Compatible').waitFor();
    const drawn = await message('Compatible').textContent();
    expect(drawn).toContain('SHA256:ryJtgoSEOglb');
    expect(drawn).toContain('Compatible: agents on 9 of 9');
    expect(drawn).not.toContain('rotating_light');
  });
});

describe('the fleet beside it', () => {
  it('shows every node in words, and what a person broke', async () => {
    const counter = page.getByRole('region', { name: 'Zero-downtime counter' });
    expect(await counter.textContent()).toContain('0times below two healthy in a region');
    for (const node of ['us-east-1', 'us-east-2']) {
      await page
        .locator('summary', { hasText: '' })
        .and(page.getByLabel(`Break or mend ${node}`))
        .click();
      await page.locator(`[data-node="${node}"]`, { hasText: 'Stop the service' }).click();
    }
    await counter.getByText('Downtime seen').waitFor();
    await page.getByText('1 of 3 healthy').waitFor();
    await snapshot('broken');
  });

  it('follows a new version without a reload', async () => {
    for (const node of nodes.slice(0, 3)) Object.assign(node, { version: 'v2.1.0-never-healthy', status: 'starting' });
    await expect.poll(() => page.getByText('v2.1.0-never-healthy', { exact: true }).count()).toBe(3);
    await snapshot('starting');
  });

  it('jumps to the next window and says what happened', async () => {
    const clock = page.locator('[data-clock]');
    const before = await clock.getAttribute('data-clock');
    await page.getByRole('button', { name: 'Jump to the next window' }).click();
    await page.getByText('The window of eu-west has just opened.').waitFor();
    await expect.poll(() => clock.getAttribute('data-clock')).not.toBe(before);
  });
});

describe('a reset', () => {
  it('asks in the middle of a rollout, and does nothing at No', async () => {
    await page.getByRole('button', { name: 'Reset the fleet' }).click();
    await page.getByText('The fleet is as it was at the start.').waitFor();
    const [node] = nodes;
    if (!node) throw new Error('no node');
    node.status = 'down';
    question = { title: 'In the middle?', text: 'v2.0.0 is under way.', yes: 'Reset all the same' };
    await page.getByRole('button', { name: 'Reset the fleet' }).click();
    const dialog = page.getByRole('dialog', { name: 'Confirm' });
    await dialog.getByText('v2.0.0 is under way.').waitFor();
    await snapshot('reset');
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(node.status).toBe('down');
    await page.getByRole('button', { name: 'Reset the fleet' }).click();
    await dialog.getByRole('button', { name: 'Reset all the same' }).click();
    await expect.poll(() => node.status).toBe('healthy');
  });
});

/** Width and height of all that can be pressed and is smaller than a finger or a shaky hand needs. */
const small = () =>
  page.evaluate(() =>
    [...document.querySelectorAll('button, summary, select')]
      .map((each) => ({ box: each.getBoundingClientRect(), name: each.getAttribute('aria-label') ?? each.textContent }))
      .filter(({ box }) => box.width > 0 && Math.min(box.width, box.height) < 24)
      .map(({ box, name }) => `${name}: ${Math.round(box.width)} x ${Math.round(box.height)}`),
  );

describe('for everybody', () => {
  it('a thread is reached, left and named by the keyboard alone', async () => {
    await type('/zeitwork upgrade v2.0.0');
    await page.getByRole('button', { name: 'Approve eu-west' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve eu-west' }).click();
    const opener = page.getByRole('button', { name: /^3 replies/ });
    await opener.focus();
    await page.keyboard.press('Enter');
    const replies = page.getByRole('log', { name: 'Replies' });
    await expect.poll(() => replies.evaluate((log) => log === document.activeElement)).toBe(true);
    expect(await page.getByRole('complementary', { name: 'Thread' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await replies.waitFor({ state: 'hidden' });
    await expect.poll(() => opener.evaluate((button) => button === document.activeElement)).toBe(true);
  });

  it.each([1400, 375])('what can be pressed is large enough, and the page has a heading, at %i px', async (width) => {
    await page.setViewportSize({ width, height: 812 });
    await type('/zeitwork upgrade v2.0.0');
    await page.getByRole('button', { name: 'Approve eu-west' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve eu-west' }).click();
    await message('replied to a thread').waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('zeitwork');
    expect(await small()).toEqual([]);
    await page.getByRole('button', { name: /^3 replies/ }).click();
    await page.getByRole('button', { name: 'Close the thread' }).waitFor();
    expect(await small()).toEqual([]);
    await page.getByRole('button', { name: 'Close the thread' }).click();
    const fleet = page.getByRole('button', { name: 'Fleet', exact: true });
    if (await fleet.isVisible()) await fleet.click();
    await page.getByRole('button', { name: 'Reset the fleet' }).waitFor();
    expect(await small()).toEqual([]);
    await snapshot(`everybody-${width}`);
  });
});

describe('on a phone', () => {
  it('everything fits: people on top, tabs for the channel and the fleet', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await type('/zeitwork upgrade v2.0.0');
    await page.getByRole('button', { name: 'Approve eu-west' }).waitFor();
    await snapshot('phone');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    await page.getByRole('button', { name: 'Fleet' }).click();
    await page.getByText('eu-west-1').waitFor();
    await snapshot('phone-fleet');
  });
});

describe('the door of the page', () => {
  it('refuses acts that another page sends', async () => {
    const send = (origin: string) =>
      fetch(`${slack.pageUrl}page/act`, {
        method: 'POST',
        headers: { origin, 'content-type': 'text/plain' },
        body: JSON.stringify({ do: 'say', as: 'U1', text: 'hi' }),
      });
    expect((await send('https://evil.example')).status).toBe(403);
    expect((await send(new URL(slack.pageUrl).origin)).status).toBe(200);
  });
});
