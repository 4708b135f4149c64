import { isRecord, Refusal } from './args.ts';
import { chosen, type Entered, elementsOf, missing, stateOf } from './forms.ts';
import { checkView } from './limits-views.ts';
import * as payloads from './payloads.ts';
import { type Desk, pick } from './persons.ts';
import type { Outcome, View } from './types.ts';
import type { Workspace } from './workspace.ts';

const none: ReadonlySet<string> = new Set();

/** A person opens the app's Home tab. */
export async function openHome(desk: Desk, userId: string): Promise<void> {
  const { workspace, events } = desk;
  if (!events.has('app_home_opened')) return;
  const home = workspace.homes.get(userId);
  const event = {
    type: 'app_home_opened',
    user: userId,
    channel: workspace.direct(userId),
    tab: 'home',
    event_ts: workspace.timestamp(),
    ...(home ? { view: payloads.viewJson(workspace, home) } : {}),
  };
  await desk.dispatch('events_api', payloads.eventCallback(workspace, event));
}

/** A person presses something in the Home tab or in the topmost modal. */
export async function clickView(
  desk: Desk,
  userId: string,
  where: 'home' | 'modal',
  match: string,
  picked: string[] = [],
): Promise<Outcome> {
  const { workspace } = desk;
  const view = where === 'home' ? workspace.homes.get(userId) : workspace.modals.get(userId)?.at(-1);
  if (!view) throw new Refusal('not_found');
  const found = pick(elementsOf(view.blocks), match);
  const pressed = { ...found, chosen: chosen(found.element, picked) };
  const payload = payloads.viewAction(workspace, workspace.person(userId), view, pressed, desk.triggers.give(userId));
  const ack = await desk.dispatch('interactive', payload);
  return { acked: ack.acked, error: ack.error, afterMs: ack.afterMs, responses: [] };
}

/** A person submits the topmost modal. Fields left untouched keep their initial values. */
export async function submit(desk: Desk, userId: string, entered: Entered): Promise<Outcome> {
  const { workspace } = desk;
  const view = top(workspace, userId);
  const state = stateOf(view, entered);
  const lacking = missing(view, state);
  if (Object.keys(lacking).length > 0) {
    swap(workspace, userId, view, [{ ...view, errors: lacking }]);
    return { acked: false, error: 'incomplete', afterMs: 0, responses: [] };
  }
  const payload = payloads.viewSubmission(workspace, workspace.person(userId), view, state, desk.triggers.give(userId));
  const ack = await desk.dispatch('interactive', payload);
  if (ack.acked) follow(workspace, userId, view, ack.payload);
  else swap(workspace, userId, view, [{ ...view, errors: { '': 'We had some trouble connecting. Try again?' } }]);
  return { acked: ack.acked, error: ack.error, afterMs: ack.afterMs, responses: [] };
}

/** A person closes the topmost modal. */
export async function closeModal(desk: Desk, userId: string): Promise<void> {
  const { workspace } = desk;
  const view = top(workspace, userId);
  swap(workspace, userId, view, []);
  if (view.notifyOnClose)
    await desk.dispatch('interactive', payloads.viewClosed(workspace, workspace.person(userId), view));
}

/** Does what the answer to a submission asks for: errors, update, push, clear, or just close. */
function follow(workspace: Workspace, userId: string, view: View, answer: Record<string, unknown>): void {
  if (answer.response_action === 'clear') workspace.modals.set(userId, []);
  swap(workspace, userId, view, instead(answer, view, workspace.viewId()));
}

function instead(answer: Record<string, unknown>, view: View, freshId: string): View[] {
  switch (answer.response_action) {
    case 'errors':
      return [{ ...view, errors: words(answer.errors) }];
    case 'update':
      return [checkView(answer.view, view.id, none)];
    case 'push':
      return [view, checkView(answer.view, freshId, none)];
    default:
      return [];
  }
}

function top(workspace: Workspace, userId: string): View {
  const view = workspace.modals.get(userId)?.at(-1);
  if (!view) throw new Refusal('not_found', ['no modal is open']);
  return view;
}

function swap(workspace: Workspace, userId: string, view: View, instead: View[]): void {
  const stack = workspace.modals.get(userId) ?? [];
  workspace.modals.set(
    userId,
    stack.flatMap((one) => (one.id === view.id ? instead : [one])),
  );
  workspace.changed();
}

function words(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, String(one)]));
}
