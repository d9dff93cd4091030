/** Holds on to a case that was taken from the queue while somebody reads it, and gives it back. */

import { byId, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { beat } from "./api";
import type { ReadingPage } from "./page";
import type { CasePayload, Reservation } from "./types";

// Three beats fit into the shortest reservation.
export const BEAT_MS = 20_000;
const LAPSED =
  "Your time with this case ran out and another reader may have it. What you typed is kept; submitting works while a seat is free.";
const GONE = "Your time with this case ran out and another reader has it. Nothing of yours was lost: take the next case.";

export class ReservationKeeper {
  private readonly page: ReadingPage;
  private readonly button = byId("give-back-button");
  private readonly notice = byId("reservation-notice");
  private state: Reservation | null = null;
  private seconds = 0;

  constructor(page: ReadingPage) {
    this.page = page;
    this.button.addEventListener("click", () => void this.giveBack());
    window.setInterval(() => void this.tick(), BEAT_MS);
  }

  begin(payload: CasePayload): void {
    this.seconds = 0;
    this.show(payload.reservation ?? null);
    if (payload.case.is_own === false) {
      this.notice.hidden = false;
      setText(this.notice, "This case is not among yours: you look at it, and nothing is saved.");
    }
  }

  /** Asks to keep the case, once somebody has been active since the last time. */
  async tick(): Promise<void> {
    const { payload, timer, autosave } = this.page.session;
    if (!this.state || !payload.urls.heartbeat || autosave.isFinished || timer.seconds <= this.seconds) return;
    this.seconds = timer.seconds;
    const answer = await beat(payload.urls.heartbeat);
    if (payload !== this.page.session.payload) return;
    if (answer.kind === "reservation") this.show(answer.reservation);
    // Without a draft of theirs, the case of somebody else is none that they may see.
    if (answer.kind === "refused" && answer.status === 404) this.show({ until: null, is_lapsed: true }, GONE);
  }

  private async giveBack(): Promise<void> {
    const { payload, autosave } = this.page.session;
    if (!payload.urls.give_back || this.page.hasDialog) return;
    autosave.flush();
    await autosave.pause();
    const answer = await beat(payload.urls.give_back);
    if (answer.kind === "reservation") {
      autosave.finish();
      window.location.assign(byId("worklist-link").getAttribute("href") ?? "/");
      return;
    }
    autosave.resume();
    toast("Not given back: the server cannot be reached, or you are signed out.", { tone: "warn" });
  }

  private show(state: Reservation | null, words = LAPSED): void {
    this.state = state;
    this.button.hidden = state === null || state.is_lapsed;
    this.notice.hidden = !state?.is_lapsed;
    if (state?.is_lapsed) setText(this.notice, words);
  }
}
