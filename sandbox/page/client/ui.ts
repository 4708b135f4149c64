/**
 * The browser's side of the page. Every piece is one function that knows only `ui` and the browser itself: its text
 * is sent to the browser as it stands, so it may not use imports or anything else of its module.
 */
export type Piece = (ui: Ui) => void;

export type Look = { as: string; tab: string; thread: string | null };

/** What the pieces offer each other. */
export type Ui = {
  look: Look;
  /** Looks at something else: another person, tab or thread. */
  setLook(change: Partial<Look>): void;
  /** Does something as the present person; false when it was refused. */
  act(what: Record<string, unknown>): Promise<boolean>;
  /** Shows a sentence for a few seconds. */
  toast(text: string): void;
  /** Puts a line into the composer of the channel. */
  fill(text: string): void;
  /** Shows the confirm dialog of a button; true when there is none or the person agrees. */
  confirmed(button: Element): Promise<boolean>;
  /** Asks what the server wants to be sure of. */
  asked(question: { title: string; text: string; yes: string }): Promise<boolean>;
  /** Set when the next change should bring the newest message into sight. */
  toEnd: boolean;
  /** Called whenever pieces of the page were replaced. */
  onPatch: (() => void)[];
};
