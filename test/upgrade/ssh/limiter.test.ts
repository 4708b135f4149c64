import { describe, expect, it } from 'vitest';
import { createLimiter } from '../../../src/upgrade/ssh/limiter.ts';

describe('a limiter of two places', () => {
  it('lets the others wait in order', async () => {
    const limiter = createLimiter(2);
    const order: string[] = [];
    const enter = async (name: string) => {
      const leave = await limiter.acquire();
      order.push(name);
      return leave;
    };
    const first = await enter('a');
    const second = await enter('b');
    const third = enter('c');
    const fourth = enter('d');
    expect(order).toEqual(['a', 'b']);
    second();
    await third;
    expect(order).toEqual(['a', 'b', 'c']);
    first();
    await fourth;
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('counts a place that is given back twice once', async () => {
    const limiter = createLimiter(1);
    const leave = await limiter.acquire();
    leave();
    leave();
    await limiter.acquire();
    let entered = false;
    void limiter.acquire().then(() => {
      entered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(entered).toBe(false);
  });

  it('forgets whoever stopped waiting', async () => {
    const limiter = createLimiter(1);
    const leave = await limiter.acquire();
    const cancel = new AbortController();
    const gone = limiter.acquire(cancel.signal);
    const next = limiter.acquire();
    cancel.abort();
    await expect(gone).rejects.toThrow('cancelled before anything was sent');
    leave();
    expect(await next).toBeTypeOf('function');
  });
});
