import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { examineState } from '../../src/doctor/state.ts';

it('says when others could put keys in the place of ours', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'zeitwork-state-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true }));
  expect(await examineState({ stateDir })).toEqual([]);
  expect(await examineState({ stateDir: join(stateDir, 'not-yet') })).toEqual([]);
  chmodSync(stateDir, 0o777);
  expect(await examineState({ stateDir })).toMatchObject([{ text: expect.stringMatching(/chmod 700/) }]);
});
