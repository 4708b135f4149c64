import { describe, expect, it } from 'vitest';
import { people } from '../support/product.ts';
import { alarms, updating } from '../support/update.ts';

describe('an update of the product in mid-rollout, the other ways round', () => {
  const {
    talk,
    product,
    next,
    versions,
    all,
    log,
    updateBot,
    updateWorker,
    inFlight,
    atGate,
    finished,
    writeNewSetting,
    failures,
  } = updating();

  it('while a node is in flight, the worker first: the rollout goes on, the bot says that it is too old to follow', async () => {
    await inFlight();
    await updateWorker();
    await talk().sees(/newer version/);
    expect(await talk().type('status')).toMatch(/newer version.*update/is);
    expect(await talk().type('rollback all')).toMatch(/newer version.*update/is);
    await updateBot();
    await talk().click('Approve eu-west', people.ines.id);
    await finished();
  });

  it('at a gate, the bot first: an approval counts when the worker is updated too, and all goes back', async () => {
    await atGate();
    await updateBot();
    await talk().click('Approve eu-west', people.ines.id);
    await talk().sees(/No living worker serves eu-west/);
    expect(versions().filter((each) => each === 'v2.0.0 healthy')).toHaveLength(3);
    await updateWorker();
    await finished();
    await talk().type('rollback all');
    await talk().until('every node is back', () => versions().join() === all('v1.0.0').join(), 120_000);
    expect(failures()).toBe(0);
  });

  it('at a gate, the bot first: a node is brought back before any worker is updated, and all goes back after it', async () => {
    await atGate();
    await updateBot();
    await talk().sees(/No living worker serves/);
    expect(await product().shell('return', 'us-east-op-1', '--yes')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/runs v1\.0\.0 again and is proven healthy/),
    });
    expect(versions()[0]).toBe('v1.0.0 healthy');
    await talk().type('rollback all');
    await updateWorker();
    await talk().until('every node is back', () => versions().join() === all('v1.0.0').join(), 120_000);
    expect(talk().words()).not.toMatch(alarms);
    expect(failures()).toBe(0);
  });

  it('with a setting that only the new one knows: the old one says which, and ends', async () => {
    await atGate();
    writeNewSetting();
    await product().kill('worker');
    product().startWorker();
    await talk().until('it says why it ends', () => log(/policy\.weather/), 60_000);
    await talk().until('it ends', () => log(/worker: ended with [1-9]/), 20_000);
    await talk().sees(/No living worker serves/);
    product().startWorker(undefined, next());
    await updateBot();
    await talk().click('Approve eu-west', people.ines.id);
    await finished();
  });
});
