import { type Args, Refusal, required, structured, text } from '../args.ts';
import { checkView } from '../limits-views.ts';
import { viewJson } from '../payloads.ts';
import type { View } from '../types.ts';
import type { Method, Office } from './method.ts';

const mostModals = 3;

export const views: Record<string, Method> = {
  'views.open': { scope: null, run: (args, office) => put(args, office, false) },
  'views.push': { scope: null, run: (args, office) => put(args, office, true) },
  'views.update': { scope: null, run: update },
  'views.publish': {
    scope: null,
    run: (args, { workspace, faults }) => {
      const user = workspace.person(required(args, 'user_id'));
      const before = workspace.homes.get(user.id);
      refuseStale(args, before);
      const view = checkView(structured(args, 'view'), before?.id ?? workspace.viewId(), faults.refusedBlocks);
      if (view.type !== 'home') throw new Refusal('invalid_arguments', ['[ERROR] views.publish takes a home view']);
      workspace.homes.set(user.id, view);
      workspace.changed();
      return { view: viewJson(workspace, view) };
    },
  },
};

function put(args: Args, { workspace, faults, triggers }: Office, onTop: boolean): Record<string, unknown> {
  const view = modal(args, workspace.viewId(), faults.refusedBlocks);
  const user = triggers.take(required(args, 'trigger_id'));
  const stack = onTop ? (workspace.modals.get(user) ?? []) : [];
  if (stack.length >= mostModals) throw new Refusal('push_limit_reached');
  workspace.modals.set(user, [...stack, view]);
  workspace.changed();
  return { view: viewJson(workspace, view) };
}

function update(args: Args, { workspace, faults }: Office): Record<string, unknown> {
  const id = text(args, 'view_id');
  const external = text(args, 'external_id');
  for (const [user, stack] of workspace.modals) {
    const before = stack.find((view) => view.id === id || (external !== null && view.externalId === external));
    if (!before) continue;
    refuseStale(args, before);
    const view = modal(args, before.id, faults.refusedBlocks);
    workspace.modals.set(
      user,
      stack.map((one) => (one === before ? view : one)),
    );
    workspace.changed();
    return { view: viewJson(workspace, view) };
  }
  throw new Refusal('not_found');
}

function modal(args: Args, id: string, refused: ReadonlySet<string>): View {
  const view = checkView(structured(args, 'view'), id, refused);
  if (view.type !== 'modal') throw new Refusal('invalid_arguments', ['[ERROR] only a modal can be opened']);
  return view;
}

function refuseStale(args: Args, before: View | undefined): void {
  const hash = text(args, 'hash');
  if (hash !== null && before && hash !== before.hash) throw new Refusal('hash_conflict');
}
