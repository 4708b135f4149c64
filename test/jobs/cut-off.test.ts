import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { surveyPatience } from '../../src/bot/commands/common.ts';
import { diagnoseNode, surveyForWork, surveyNode } from '../../src/upgrade/host/index.ts';
import { createProbe } from '../../src/upgrade/http/index.ts';
import { createShell } from '../../src/upgrade/ssh/index.ts';
import type { Shell } from '../../src/upgrade/ssh/types.ts';
import { policy, service } from '../support/rollouts.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { systemClock } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const where = { name: 'us-east-op-1', region: 'us-east' };
const patience = surveyPatience(9);

let sshd: Sshd;
let shell: Shell;

/** A worker that looks as in production: nothing here shortens a limit. */
async function lookingWorker(): Promise<void> {
  const limit = policy.commandTimeout;
  const probe = createProbe({ [where.name]: `http://127.0.0.1:${sshd.port}/health` });
  const closely = { service, shell, probe, now: () => systemClock.now(), helper: () => null };
  await rig.worker({
    survey: ({ name, region }, signal) => surveyNode(name, region, service, shell, probe, systemClock, limit, signal),
    surveyForWork: ({ name, region }, signal) => surveyForWork(name, region, closely, limit, signal),
    diagnose: ({ name }, signal) => diagnoseNode(name, service, shell, probe, limit, signal),
  });
}

/** From now on what arrives is taken by the kernel and never answered, as behind a cut network. */
function cutOff(): void {
  process.kill(sshd.pid, 'SIGSTOP');
  sshd.signalSessions('SIGSTOP');
}

async function everyLook(): Promise<string[]> {
  const { survey, diagnose } = rig.control();
  const [glance, work, found] = await Promise.all([
    survey([where], patience),
    survey([where], patience, 'work'),
    diagnose(where, patience),
  ]);
  for (const answer of [...glance, ...work, found]) expect(answer).not.toHaveProperty('unanswered');
  return [...glance, ...work].map(({ detail }) => detail).concat(found.summary);
}

beforeEach(async () => {
  sshd = await startSshd();
  shell = createShell({ [where.name]: sshd.host() });
});
afterEach(async () => {
  await shell.close();
  await sshd.stop();
});

describe('a node behind a cut network', { timeout: 60_000 }, () => {
  it('is called unreachable, and no worker is blamed: connecting gives up before whoever asked does', async () => {
    await lookingWorker();
    cutOff();
    for (const said of await everyLook()) expect(said).toMatch(/timed out after 10 s/);
  });

  it('is called unreachable also when it was cut off a moment ago, and a connection to it was kept', async () => {
    await lookingWorker();
    await everyLook();
    cutOff();
    for (const said of await everyLook()) expect(said).toMatch(/: (?:no answer in time|timed out after 10 s)/);
  });
});
