/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import { isRecord } from '../slack/args.ts';
import { initialValues, labelOf, optionsOf } from '../slack/forms.ts';
import type { Block, BlockElement } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';
import { Mrkdwn } from './drawn.tsx';

/** Where a click on these blocks is reported from: a message timestamp, `home` or `modal`. */
export type Where = string;

type ControlProps = { element: BlockElement; blockId: string; where: Where; workspace: Workspace };

/** A button or menu that reports to the app at once. */
export function Control({ element, blockId, where, workspace }: ControlProps): ReactNode {
  const match = `${blockId}/${element.action_id}`;
  if (element.type !== 'button') {
    return (
      <select
        className="menu"
        data-pick
        data-where={where}
        data-match={match}
        aria-label={placeholderOf(element)}
        defaultValue=""
      >
        <option value="">{placeholderOf(element)}</option>
        <Options element={element} workspace={workspace} />
      </select>
    );
  }
  const style = element.style === 'primary' || element.style === 'danger' ? element.style : 'plain';
  const label = typeof element.accessibility_label === 'string' ? { 'aria-label': element.accessibility_label } : {};
  return (
    <span className="act">
      <button type="button" className={`button ${style}`} data-click data-where={where} data-match={match} {...label}>
        {labelOf(element)}
      </button>
      {isRecord(element.confirm) && <Confirm confirm={element.confirm} workspace={workspace} />}
    </span>
  );
}

/** Waits in the page, unseen, until the button beside it is pressed. */
function Confirm({ confirm, workspace }: { confirm: Record<string, unknown>; workspace: Workspace }): ReactNode {
  return (
    <template className="confirm">
      <h2>{words(confirm.title)}</h2>
      <Mrkdwn text={words(confirm.text)} workspace={workspace} />
      <div className="dialog-buttons">
        <button type="button" className="button plain" data-answer="no">
          {words(confirm.deny)}
        </button>
        <button
          type="button"
          className={`button ${confirm.style === 'danger' ? 'danger' : 'primary'}`}
          data-answer="yes"
        >
          {words(confirm.confirm)}
        </button>
      </div>
    </template>
  );
}

/** A labelled field of a modal. */
export function InputBlock({
  block,
  workspace,
  error,
}: {
  block: Block;
  workspace: Workspace;
  error: string | undefined;
}): ReactNode {
  const { element } = block;
  if (!isRecord(element) || typeof element.type !== 'string') return null;
  const id = `${block.block_id}-input`;
  return (
    <div className={error ? 'field wrong' : 'field'}>
      <label htmlFor={id}>
        {words(block.label)} {block.optional === true && <small>(optional)</small>}
      </label>
      <Field id={id} element={{ ...element, type: element.type }} workspace={workspace} />
      {error && <p role="alert">{error}</p>}
      {isRecord(block.hint) && <small>{words(block.hint)}</small>}
    </div>
  );
}

const inputTypes: Record<string, string> = {
  number_input: 'number',
  email_text_input: 'email',
  url_text_input: 'url',
  datepicker: 'date',
  timepicker: 'time',
};

function Field({ id, element, workspace }: { id: string; element: BlockElement; workspace: Workspace }): ReactNode {
  const name = element.action_id ?? '';
  const initial = initialValues(element);
  const placeholder = isRecord(element.placeholder) ? words(element.placeholder) : '';
  if (element.type === 'checkboxes' || element.type === 'radio_buttons')
    return <Ticks name={name} element={element} initial={initial} />;
  if (element.type.includes('select')) {
    const several = element.type.startsWith('multi_');
    return (
      <select id={id} name={name} multiple={several} defaultValue={several ? initial : (initial[0] ?? '')}>
        {!several && <option value="">{placeholderOf(element)}</option>}
        <Options element={element} workspace={workspace} />
      </select>
    );
  }
  if (element.multiline === true)
    return <textarea id={id} name={name} rows={4} placeholder={placeholder} defaultValue={initial[0]} />;
  // Only the browser knows the zone in which it is shown.
  if (element.type === 'datetimepicker')
    return <input id={id} name={name} type="datetime-local" data-at={initial[0]} />;
  return (
    <input
      id={id}
      name={name}
      type={inputTypes[element.type] ?? 'text'}
      placeholder={placeholder}
      defaultValue={initial[0]}
    />
  );
}

function Ticks({ name, element, initial }: { name: string; element: BlockElement; initial: string[] }): ReactNode {
  const type = element.type === 'checkboxes' ? 'checkbox' : 'radio';
  return optionsOf(element).map((option) => {
    const value = String(option.value);
    return (
      <label key={value} className="tick">
        <input type={type} name={name} value={value} defaultChecked={initial.includes(value)} /> {words(option.text)}
      </label>
    );
  });
}

function Options({ element, workspace }: { element: BlockElement; workspace: Workspace }): ReactNode {
  if (element.type.endsWith('users_select')) {
    return workspace.people.map(({ id, realName }) => (
      <option key={id} value={id}>
        {realName}
      </option>
    ));
  }
  return optionsOf(element).map((option) => (
    <option key={String(option.value)} value={String(option.value)}>
      {words(option.text)}
    </option>
  ));
}

function placeholderOf(element: BlockElement): string {
  if (isRecord(element.placeholder)) return words(element.placeholder);
  return element.type === 'overflow' ? 'More…' : 'Choose…';
}

function words(value: unknown): string {
  return isRecord(value) && typeof value.text === 'string' ? value.text : '';
}
