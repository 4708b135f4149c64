import { isRecord } from './args.ts';
import { checkId, checkLength, checkText, type Problems } from './limits-text.ts';

type Check = (element: Record<string, unknown>, at: string, problems: Problems) => void;

const input: Check = (element, at, problems) => {
  if (element.placeholder !== undefined)
    checkText(element.placeholder, `${at}/placeholder`, 150, problems, 'plain_text');
};

const choice =
  (most: number): Check =>
  (element, at, problems) => {
    input(element, at, problems);
    const groups = Array.isArray(element.option_groups) ? element.option_groups : [element];
    for (const group of groups) checkOptions(isRecord(group) ? group.options : undefined, at, most, problems);
  };

const checks: Record<string, Check> = {
  button: checkButton,
  static_select: choice(100),
  multi_static_select: choice(100),
  overflow: choice(5),
  checkboxes: choice(10),
  radio_buttons: choice(10),
  plain_text_input: input,
  number_input: input,
  email_text_input: input,
  url_text_input: input,
  datepicker: input,
  timepicker: input,
  datetimepicker: input,
  users_select: input,
  multi_users_select: input,
  conversations_select: input,
  channels_select: input,
  image: (element, at, problems) => {
    if (typeof element.image_url !== 'string') problems.push(`missing required field: image_url [json-pointer:${at}]`);
    if (typeof element.alt_text !== 'string') problems.push(`missing required field: alt_text [json-pointer:${at}]`);
  },
};

export function checkElement(value: unknown, at: string, problems: Problems): void {
  if (!isRecord(value) || typeof value.type !== 'string') {
    return void problems.push(`missing required field: type [json-pointer:${at}]`);
  }
  const check = checks[value.type];
  if (!check) return void problems.push(`unsupported element type: ${value.type} [json-pointer:${at}/type]`);
  check(value, at, problems);
  checkId(value.action_id, `${at}/action_id`, problems);
  if (value.confirm !== undefined) checkConfirm(value.confirm, `${at}/confirm`, problems);
}

function checkButton(element: Record<string, unknown>, at: string, problems: Problems): void {
  checkText(element.text, `${at}/text`, 75, problems, 'plain_text');
  checkLength(element.value, `${at}/value`, 2000, problems);
  checkLength(element.url, `${at}/url`, 3000, problems);
  checkLength(element.accessibility_label, `${at}/accessibility_label`, 75, problems);
  if (element.style !== undefined && element.style !== 'primary' && element.style !== 'danger') {
    problems.push(`must be one of: primary, danger [json-pointer:${at}/style]`);
  }
}

function checkConfirm(value: unknown, at: string, problems: Problems): void {
  if (!isRecord(value)) return void problems.push(`must be an object [json-pointer:${at}]`);
  checkText(value.title, `${at}/title`, 100, problems, 'plain_text');
  checkText(value.text, `${at}/text`, 300, problems);
  checkText(value.confirm, `${at}/confirm`, 30, problems, 'plain_text');
  checkText(value.deny, `${at}/deny`, 30, problems, 'plain_text');
}

function checkOptions(value: unknown, at: string, most: number, problems: Problems): void {
  if (!Array.isArray(value) || value.length === 0)
    return void problems.push(`no fewer than 1 options allowed [json-pointer:${at}/options]`);
  if (value.length > most) problems.push(`no more than ${most} options allowed [json-pointer:${at}/options]`);
  for (const [index, option] of value.entries()) {
    if (!isRecord(option)) continue;
    checkText(option.text, `${at}/options/${index}/text`, 75, problems);
    checkLength(option.value, `${at}/options/${index}/value`, 150, problems);
  }
}
