import { describe, expect, it } from 'vitest';
import { troublesIn } from '../../../src/upgrade/rollout/index.ts';
import type { Fitness, Space, Trouble } from '../../../src/upgrade/rollout/types.ts';
import { fit, newImage, release, service } from '../../support/rollouts.ts';

const installed = (changes: Partial<NonNullable<Fitness['seen']>>): Fitness => {
  if (fit.seen === null) throw new Error('nothing is seen');
  return { ...fit, seen: { ...fit.seen, ...changes } };
};
const disk = (freeBytes: number): Space => ({ device: '1', freeBytes, freeInodes: null });
const room = (freeBytes: number, writable = true) => {
  const space = disk(freeBytes);
  return { room: { space: { home: space, binary: space, state: space }, writable } };
};
const told = (found: Fitness, for_ = release): Trouble[] => troublesIn(found, service, for_);
const stops = (text: string) => ({ text, stops: true });
const note = (text: string) => ({ text, stops: false });

describe('what work on a node rests on', () => {
  it('is in order', () => {
    expect(told(fit)).toEqual([]);
    expect(told({ ...fit, helper: { silent: null, other: [] } })).toEqual([]);
    expect(told({ ...fit, clock: null, seen: null })).toEqual([]);
  });

  it.each<[string, Fitness, Trouble[]]>([
    ['tools', { ...fit, tools: ['flock', 'tar'] }, [stops('install flock, tar on it')]],
    ['a program', { ...fit, programs: ['/x'] }, [stops('there is no program /x: see service.traffic')]],
    [
      'the right time',
      { ...fit, clock: { ahead: -9_000, blur: 100 } },
      [note('its clock is 9.0 s behind: switch time synchronisation on there')],
    ],
    [
      'the right day',
      { ...fit, clock: { ahead: 64_876_150, blur: 100 } },
      [note('its clock is 18 h ahead: switch time synchronisation on there')],
    ],
    ['a time known well enough', { ...fit, clock: { ahead: 9_000, blur: 8_000 } }, []],
    [
      'a unit',
      installed({ loaded: false, disk: null }),
      [stops('there is no unit zeitwork-operator: see service.unit')],
    ],
    ['a running unit', installed({ state: 'failed/failed' }), [note('the unit is failed/failed')]],
    [
      'a binary',
      installed({ disk: null }),
      [stops('there is no /usr/local/bin/zeitwork-operator: see service.binary')],
    ],
    [
      'an environment file',
      installed({ env: false }),
      [stops('there is no /etc/zeitwork/operator.env: see service.envFile')],
    ],
    [
      'a file and no link',
      installed({ link: '/x is a symbolic link to /y', env: false }),
      [stops('/x is a symbolic link to /y')],
    ],
    ['an image that can be read', installed({ image: null }), [stops('the running image cannot be read')]],
    [
      'what runs on disk',
      installed({ disk: newImage }),
      [
        note(
          '/usr/local/bin/zeitwork-operator was replaced without a restart of zeitwork-operator, and staging asks what becomes of it: put it back, or restart',
        ),
      ],
    ],
    [
      'room for archive, binary and backup',
      installed(room(2 * 1024 * 1024)),
      [
        stops(
          'the disk is too full: 2 MB free for the login directory, the directory of the binary, /var/lib, 8 MB needed',
        ),
      ],
    ],
    [
      'a place that can be written to',
      installed(room(1e12, false)),
      [stops('the directory of the binary is not writable (mounted read-only?)')],
    ],
    [
      'a helper',
      { ...fit, helper: { silent: 'sudo: not found', other: [] } },
      [stops('its helper does not answer: sudo: not found')],
    ],
    [
      'a helper of these settings, without which nothing else counts',
      { ...fit, tools: ['tar'], helper: { silent: null, other: ['policy'] } },
      [stops('its helper is not what these settings make: policy')],
    ],
  ])('lacks %s', (_what, found, expected) => {
    expect(told(found)).toEqual(expected);
  });

  it('says that it does not run without calling a stopped service unreadable', () => {
    expect(told(installed({ runs: false, image: null, state: 'inactive/dead' }))).toEqual([
      note('the unit is inactive/dead'),
    ]);
  });

  it('wants no environment file and no room where there is none to be had or nothing comes', () => {
    const plain = { ...service, envFile: null };
    expect(troublesIn(installed({ env: false, ...room(0) }), plain, null)).toEqual([]);
  });
});
