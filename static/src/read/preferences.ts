/** What the reader has set: embedded in the page, changed at once on the screen, kept on the server a moment later. */

import { csrfToken } from "../lib/cookies";
import { readerId } from "../lib/reader";

export type Layout = "report" | "image" | "two";
/** Widths are kept for each layout, and for cases without images. */
export type PaneSet = Layout | "text";

export interface PreferenceData {
  readonly layout?: Layout;
  /** Shares of the width, from the left; the last pane takes what they leave. */
  readonly panes?: Readonly<Partial<Record<PaneSet, readonly number[]>>>;
  /** Chords by command; a command that is not named has those it came with. */
  readonly keys?: Readonly<Record<string, readonly string[]>>;
  readonly tour_done?: boolean;
  /** Whether cells on which labelers differ are marked; they are unless this says no. */
  readonly mark_differing?: boolean;
}

const DELAY_MS = 500;
const URL = "/api/me/preferences";

export class Preferences {
  private current: PreferenceData;
  private waiting: Record<string, unknown> = {};
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(start: PreferenceData) {
    this.current = start;
  }

  get data(): PreferenceData {
    return this.current;
  }

  set(change: PreferenceData): void {
    this.current = { ...this.current, ...change };
    this.waiting = { ...this.waiting, ...change };
    this.timer ??= setTimeout(() => void this.send(false), DELAY_MS);
  }

  /** For a page that is going away. */
  flush(): void {
    if (this.timer !== null) void this.send(true);
  }

  private async send(keepalive: boolean): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const sent = this.waiting;
    this.waiting = {};
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "X-Reader": readerId() };
    try {
      const answer = await fetch(URL, { method: "PUT", keepalive, headers, body: JSON.stringify(sent) });
      if (answer.status < 500) return;
    } catch {
      // No network: sent again with the next change, or lost with the page. It is only a width or a key.
    }
    this.waiting = { ...sent, ...this.waiting };
  }
}
