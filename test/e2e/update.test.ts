import { describe, expect, it } from 'vitest';
import { people } from '../support/product.ts';
import { alarms, updating } from '../support/update.ts';

describe('an update of the product in mid-rollout', () => {
  const { talk, product, next, versions, all, updateBot, updateWorker, inFlight, atGate, finished, failures } =
    updating();

  it('while a node is in flight, the bot first: the worker before it waits, it is said, and the new one goes on', async () => {
    await inFlight();
    await updateBot();
    await talk().sees(/No living worker serves us-east.*older than the bot counts when it is updated/s);
    await updateWorker();
    await talk().click('Approve eu-west', people.ines.id);
    await finished();
  });

  it('at a gate, the worker first: nothing is approved by a bot that cannot follow, and all goes back after it', async () => {
    await atGate();
    await updateWorker();
    await talk().sees(/newer version/);
    expect(await talk().click('Approve eu-west', people.ines.id)).toMatch(/newer version.*update/is);
    await updateBot();
    await talk().until('it answers', async () => !/newer version/.test(await talk().type('status')), 60_000);
    await talk().type('rollback all');
    await talk().until('every node is back', () => versions().join() === all('v1.0.0').join(), 120_000);
    expect(talk().words()).not.toMatch(alarms);
    expect(failures()).toBe(0);
  });

  it('at a gate, the worker first: a shell of the new version brings one node back, and all, before the bot is updated', async () => {
    await atGate();
    await updateWorker();
    await talk().sees(/newer version/);
    expect(await talk().type('rollback all')).toMatch(/newer version.*update/is);
    await talk().sees(/zeitwork rollback all` on a shell of the newer version/);
    expect(versions()[0]).toBe('v2.0.0 healthy');
    // Needs neither bot nor store, so any version does.
    expect(await product().shell('return', 'us-east-op-1', '--yes')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/runs v1\.0\.0 again and is proven healthy/),
    });
    expect(versions()[0]).toBe('v1.0.0 healthy');
    const back = await product().shellOf(next(), 'rollback', 'all');
    expect([back.code, back.out, back.err]).toEqual([0, expect.any(String), expect.any(String)]);
    await talk().until('every node is back', () => versions().join() === all('v1.0.0').join(), 120_000);
    expect(talk().words()).not.toMatch(alarms);
    expect(failures()).toBe(0);
  });
});
