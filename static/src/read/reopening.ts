/** A submitted case is only looked at until it is reopened, with a reason. */

import { toast } from "../lib/toast";
import { keyText } from "./hints";
import type { ReadingPage } from "./page";
import type { Skipped } from "./types";
import { openReasonDialog } from "./view/reasonDialog";

const ASKED = {
  title: "Reopen this case",
  lead: "What you submitted stands, and keeps its scores, until you submit again.",
  accept: "Reopen",
  reasons: "reopen-reasons",
};

export class Reopening {
  private readonly page: ReadingPage;
  private isBusy = false;

  constructor(page: ReadingPage) {
    this.page = page;
  }

  /** Why nothing can be changed now, in words for who tried. */
  explain(): void {
    const { payload } = this.page.session;
    if (payload.excluded !== null) return toast("This case is excluded from the study: nothing in it can be changed.", { tone: "warn" });
    toast(`This case is submitted. Press ${keyText("reopen")} to reopen it.`, { tone: "warn" });
  }

  ask(): void {
    const { page } = this;
    const { payload } = page.session;
    if (this.isBusy || page.hasDialog) return;
    if (payload.excluded !== null) return this.explain();
    if (payload.case.state !== "submitted") return toast("This case is open already.");
    openReasonDialog(ASKED, { accept: (why) => void this.reopen(why), close: () => page.dialogClosed() });
  }

  private async reopen(why: Skipped): Promise<void> {
    const { page } = this;
    const { session } = page;
    this.isBusy = true;
    try {
      const result = await session.reopen(why);
      if (session !== page.session) return;
      if (result.kind === "reopened") {
        page.showCase(result.payload);
        toast(`${result.payload.case.key} is open again.`, { tone: "good" });
      } else if (result.kind === "stale") toast("This case was changed in another window. Reload to see it.", { tone: "warn" });
      else if (result.kind === "refused") toast(`Not reopened: ${result.message}`, { tone: "warn" });
      else toast("Not reopened: the server cannot be reached, or you are signed out.", { tone: "warn" });
    } finally {
      this.isBusy = false;
    }
  }
}
