/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import { isRecord } from '../slack/args.ts';
import type { Block, BlockElement } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';
import { Drawn } from './drawn.tsx';
import { Control, InputBlock, type Where } from './elements.tsx';

type Props = { blocks: readonly Block[]; where: Where; workspace: Workspace; errors?: Record<string, string> };

/** Draws blocks: what a person acts on by hand, everything else by slack-blocks-to-jsx. */
export function Blocks({ blocks, where, workspace, errors = {} }: Props): ReactNode {
  return blocks.map((block) => (
    <OneBlock key={block.block_id} block={block} where={where} workspace={workspace} errors={errors} />
  ));
}

function OneBlock({ block, where, workspace, errors }: Omit<Required<Props>, 'blocks'> & { block: Block }): ReactNode {
  const blockId = block.block_id ?? '';
  const control = (element: BlockElement) => (
    <Control key={element.action_id} element={element} blockId={blockId} where={where} workspace={workspace} />
  );
  if (block.type === 'actions') return <div className="actions">{elements(block.elements).map(control)}</div>;
  if (block.type === 'input') return <InputBlock block={block} workspace={workspace} error={errors[blockId]} />;
  const [accessory] = elements([block.accessory]);
  if (accessory === undefined || accessory.type === 'image') return <Drawn block={block} workspace={workspace} />;
  const { accessory: _drawnHere, ...rest } = block;
  return (
    <div className="with-accessory">
      <Drawn block={rest} workspace={workspace} />
      {control(accessory)}
    </div>
  );
}

function elements(value: unknown): BlockElement[] {
  const isElement = (one: unknown): one is BlockElement => isRecord(one) && typeof one.type === 'string';
  return Array.isArray(value) ? value.filter(isElement) : [];
}
