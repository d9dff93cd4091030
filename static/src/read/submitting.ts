/** Submit and next: checks, asks when something stands against it, records, and brings the next case. */

import { byId, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import type { SubmitResult } from "./api";
import { keyText } from "./hints";
import type { ReadingPage } from "./page";
import { settleUndecided } from "./state";
import type { CasePayload } from "./types";
import { openSubmitDialog } from "./view/submitDialog";

export class Submitting {
  private readonly page: ReadingPage;
  /** Whether the case is on its way: what is changed now would be lost. */
  isBusy = false;

  constructor(page: ReadingPage) {
    this.page = page;
  }

  begin(): void {
    const { page } = this;
    if (this.isBusy || page.hasDialog) return;
    if (!page.isOwn) return toast("This case is not among yours: there is nothing to submit.");
    if (page.isSettling) return toast("This case has only just opened: press again to submit.");
    const open = page.session.autosave.openConflict;
    if (open) return page.openConflict(open);
    if (page.session.isLocked) return void this.goOn();
    if (page.attention.cells.length === 0) return void this.submit([]);
    const acknowledged = page.attention.contradictions.map(({ key }) => key);
    openSubmitDialog(page.attention, page.schema, {
      submit: () => {
        page.apply(settleUndecided(page.state));
        void this.submit(acknowledged);
      },
      visit: (index) => page.focusCell(index),
      close: () => page.dialogClosed(),
    });
  }

  private async submit(acknowledged: readonly string[]): Promise<void> {
    const { page } = this;
    this.isBusy = true;
    page.status.showBusy(true);
    try {
      const result = await page.session.submit(page.state.labels, acknowledged, page.guidelines.shown);
      if (result.kind === "submitted" && result.debrief) window.location.assign(result.debrief);
      else if (result.kind === "submitted") await this.bringNext(result.next, "submitted");
      else this.explain(result);
    } finally {
      this.isBusy = false;
      page.status.showBusy(false);
    }
  }

  /** Shows the next case; `done` says what became of this one. */
  async bringNext(wanted: number | null, done: "submitted" | "skipped"): Promise<void> {
    const { page } = this;
    const { key } = page.session.payload.case;
    const { page: reopen } = page.session.payload.urls;
    if (wanted === null) return this.showAllRead(key, done);
    const next = await page.session.next(wanted);
    if (next.kind !== "next") {
      toast(`${key} is ${done}. The next case could not be loaded.`, { tone: "warn" });
      window.location.reload();
      return;
    }
    if (!next.answer.case) return this.showAllRead(key, done);
    this.show(next.answer.case);
    toast(`${key} ${done}.`, { tone: "good", link: { href: done === "submitted" ? `${reopen}#reopen` : reopen, text: "Reopen" } });
  }

  /** From a case that is only looked at to the next one to read. */
  private async goOn(): Promise<void> {
    const { page } = this;
    this.isBusy = true;
    try {
      const next = await page.session.upcomingCase();
      if (next.kind !== "next") toast("The next case could not be loaded.", { tone: "warn" });
      else if (next.answer.case) this.show(next.answer.case);
      else toast("There is no further case on your list.", { tone: "good" });
    } finally {
      this.isBusy = false;
    }
  }

  private show(payload: CasePayload): void {
    window.history.pushState(null, "", payload.urls.page);
    this.page.showCase(payload);
  }

  private showAllRead(key: string, done: string): void {
    document.body.classList.add("all-read");
    for (const pane of ["report-pane", "cells-pane", "image-pane", "split-report", "split-image", "status-bar"]) byId(pane).hidden = true;
    const message = byId("all-read");
    message.hidden = false;
    setText(byId("all-read-note"), `${key} is ${done}. There is no further case on your list.`);
    void this.page.flow.showSummaryIn(byId("all-read-summary"));
    byId("all-read-link").focus();
  }

  private explain(result: Exclude<SubmitResult, { kind: "submitted" }>): void {
    const { page } = this;
    switch (result.kind) {
      case "stale": {
        const open = page.session.autosave.openConflict;
        if (open) page.openConflict(open);
        else toast("This case was submitted in another window. Reload to see it.", { tone: "warn" });
        return;
      }
      case "undecided":
        toast(`${result.cells.length} cells still need a decision.`, { tone: "warn" });
        return;
      case "contradictions":
        toast(`The server found a contradiction: ${result.contradictions[0]?.because ?? ""}.`, { tone: "warn" });
        return;
      case "signed-out":
        toast(`You are signed out: sign in again in another tab, then press ${keyText("submit")} here. Your labels are kept.`, { tone: "warn" });
        return;
      case "unreachable":
        toast(`Not submitted: the server cannot be reached. Your labels are kept; press ${keyText("submit")} again.`, { tone: "warn" });
        return;
      case "refused":
        toast(`Not submitted: ${result.message || result.code}`, { tone: "warn" });
    }
  }
}
