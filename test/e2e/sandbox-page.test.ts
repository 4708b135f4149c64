import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '../../sandbox/start.ts';
import { openBrowser } from '../support/browser.ts';
import { atSandbox } from '../support/sandbox-page.ts';

type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

describe('the sandbox in a browser', () => {
  let browser: Browser;
  let sandbox: Sandbox;
  let page: Page;
  const said: string[] = [];
  const errors: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    sandbox = await startSandbox({ port: 0, windows: 'always', say: (line) => said.push(line) });
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => errors.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    await sandbox?.close();
  });

  it('leads a newcomer from the first screen to nine upgraded nodes, and back', async () => {
    expect(said.join('\n')).toContain(sandbox.pageUrl);
    await page.goto(sandbox.pageUrl);
    const { log, button, become, type, approve } = atSandbox(page);
    await page.getByText('/zeitwork upgrade v2.0.0').first().waitFor();

    await type('/zeitwork upgrade v2.0.0');
    await button('Start').waitFor();
    await button('Start').click();
    await become('Inês Duarte');
    await button('Approve eu-west').waitFor({ timeout: 120_000 });
    await approve('eu-west');
    await approve('ap-south');
    await log
      .getByText(/9 of 9|all 9 nodes/i)
      .first()
      .waitFor({ timeout: 120_000 });
    await page.waitForFunction(() => document.body.innerText.split('v2.0.0').length > 9);
    expect(sandbox.fleet.source.nodes().map(({ version }) => version)).toEqual(Array(9).fill('v2.0.0'));
    expect(sandbox.fleet.source.counter().failures).toBe(0);

    await become('Rosa Lindqvist');
    await type('/zeitwork rollback all');
    await expect
      .poll(
        () => sandbox.fleet.source.nodes().every(({ version, status }) => version === 'v1.0.0' && status === 'healthy'),
        {
          timeout: 180_000,
        },
      )
      .toBe(true);
    expect(sandbox.fleet.source.counter().failures).toBe(0);
    expect(errors).toEqual([]);
    expect(sandbox.slack.warnings).toEqual([]);
  });
});
