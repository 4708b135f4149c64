import { randomUUID } from 'node:crypto';
import { isRecord, Refusal } from './args.ts';
import { checkBlocks } from './limits.ts';
import { checkLength, checkText, type Problems } from './limits-text.ts';
import type { View } from './types.ts';

/** Reads the `view` argument of a views.* call. Throws a `Refusal` that names each field at fault. */
export function checkView(value: unknown, id: string, refused: ReadonlySet<string>): View {
  if (!isRecord(value) || (value.type !== 'modal' && value.type !== 'home')) {
    throw new Refusal('invalid_arguments', ['[ERROR] view must have type "modal" or "home" [json-pointer:/view/type]']);
  }
  const problems: Problems = [];
  if (value.type === 'modal') checkText(value.title, '/view/title', 24, problems, 'plain_text');
  for (const key of ['submit', 'close']) {
    if (value[key] !== undefined) checkText(value[key], `/view/${key}`, 24, problems, 'plain_text');
  }
  checkLength(value.private_metadata, '/view/private_metadata', 3000, problems);
  checkLength(value.callback_id, '/view/callback_id', 255, problems);
  const blocks = checkBlocks(value.blocks, value.type, refused);
  if (value.type === 'modal' && value.submit === undefined && blocks.some((block) => block.type === 'input')) {
    problems.push('submit is required when an input block is within the blocks [json-pointer:/view/submit]');
  }
  if (problems.length > 0)
    throw new Refusal(
      'invalid_arguments',
      problems.map((problem) => `[ERROR] ${problem}`),
    );
  return {
    id,
    type: value.type,
    hash: randomUUID().slice(0, 8),
    title: plain(value.title) ?? '',
    submit: plain(value.submit),
    close: plain(value.close),
    callbackId: word(value.callback_id),
    privateMetadata: word(value.private_metadata),
    externalId: word(value.external_id),
    notifyOnClose: value.notify_on_close === true,
    blocks,
    errors: {},
  };
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function plain(value: unknown): string | null {
  return isRecord(value) && typeof value.text === 'string' ? value.text : null;
}
