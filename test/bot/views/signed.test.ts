import { describe, expect, it } from 'vitest';
import { message } from '../../../src/bot/views/parts.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import { preview } from '../../../src/bot/views/preview.ts';
import type { Release } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, planned, release, surveyOf, tuesday } from '../../support/rollouts.ts';

const unsigned: Release = { ...release, signed: null };
const shown = (of: Release) => {
  const rollout = planned({}, { release: of });
  const plan = preview({
    rollout,
    survey: surveyOf(fleetOf()),
    troubles: [],
    now: tuesday,
    token: 't',
    remark: null,
    second: false,
    canary: null,
    elsewhere: { is: 'not wanted' },
    compatible: null,
    night: null,
  });
  const over = { ...rollout, status: { is: 'done', at: tuesday } } as const;
  return {
    plan: message(plan.parts, '').text,
    main: posts(rollout).find(({ key }) => key === 'main')?.text ?? '',
    report: posts(over).find(({ key }) => key.startsWith('finished'))?.text ?? '',
  };
};

describe('whose release it is', () => {
  it('is said in the plan with the key, in the live message and in the report', () => {
    const { plan, main, report } = shown(release);
    expect(plan).toContain(`Signed by ana with the key ${release.signed?.key}`);
    expect(main).toContain('Signed by ana.');
    expect(report).toContain('Signed by ana');
  });

  it('is said aloud in all three when nobody signed it', () => {
    for (const text of Object.values(shown(unsigned))) {
      expect(text).toContain('‼ *NOT SIGNED* (allowed by the settings)');
    }
  });

  it('cannot write into the chat with a name', () => {
    const named = { ...release, signed: { by: '<!channel> & *ana*', key: 'SHA256:x', signature: '' } };
    for (const text of Object.values(shown(named))) expect(text).not.toContain('<!channel>');
  });
});
