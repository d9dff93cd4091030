/** Around the reading of one case: flag and comment, skip, jump, what was read today, and where the images are. */

import { byId, replaceChildren, setAttribute, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { fetchSummary } from "./api";
import { DetachedViewer } from "./detached";
import type { ReadingPage } from "./page";
import type { Layout } from "./preferences";
import { caseNoteOf, setCaseComment } from "./state";
import type { ReadingState } from "./state";
import type { Skipped } from "./types";
import { openJumpDialog } from "./view/jumpDialog";
import { openReasonDialog } from "./view/reasonDialog";
import { openSummaryDialog, summaryView } from "./view/summary";

const SKIP = {
  title: "Skip this case",
  lead: "It keeps what you have entered and comes again once no other case is left, or when you open it.",
  accept: "Skip this case",
  reasons: "skip-reasons",
};

export class Flow {
  private readonly page: ReadingPage;
  private readonly detached: DetachedViewer;
  private readonly comment = byId("case-comment-text") as HTMLTextAreaElement;
  private isCommentOpen = false;
  /** Whether the case is on its way: what is changed now would be lost. */
  isBusy = false;

  constructor(page: ReadingPage) {
    this.page = page;
    this.detached = new DetachedViewer(page, (isOpen) => {
      page.panes.show({ isDetached: isOpen });
      this.showLayout();
    });
    this.comment.addEventListener("input", () => page.apply(setCaseComment(page.state, this.comment.value)));
    this.comment.addEventListener("blur", () => {
      this.isCommentOpen = false;
      this.update(page.state);
    });
    const buttons = { skip: "skip", jump: "jump", flag: "flag", comment: "case-comment", summary: "summary" } as const;
    for (const [name, command] of Object.entries(buttons)) {
      byId(`${name}-button`).addEventListener("click", () => page.run({ do: command }));
    }
    for (const button of this.layoutButtons) {
      button.addEventListener("click", () => page.run({ do: "layout", layout: button.dataset["layout"] as Layout }));
    }
  }

  /** Whether the reader looks at the window with the images. */
  get isWatchedElsewhere(): boolean {
    return this.detached.isWatched;
  }

  keysChanged(): void {
    this.detached.sendKeys();
  }

  /** Starts what needs the panes: the window that was open before this page was loaded again. */
  begin(): void {
    this.showLayout();
    if (this.page.preferences.data.layout === "two") this.detached.findOpen();
  }

  update(state: ReadingState): void {
    const { comment = "", flagged = false } = caseNoteOf(state);
    setAttribute(byId("flag-button"), "aria-pressed", String(flagged));
    byId("case-comment").hidden = !comment && !this.isCommentOpen;
    if (this.comment.value !== comment) this.comment.value = comment;
  }

  /** Whether the case is only looked at: its comment cannot be typed in, and the chord that submits goes on. */
  setLocked(isLocked: boolean): void {
    this.comment.readOnly = isLocked;
    document.body.classList.toggle("locked", isLocked);
    setText(byId("submit-words"), isLocked ? "next case" : "submit and next");
  }

  focusComment(): void {
    this.isCommentOpen = true;
    this.update(this.page.state);
    this.comment.focus();
  }

  setLayout(layout: Layout): void {
    const { page } = this;
    if (layout !== "two") {
      this.detached.close();
      page.panes.setLayout(layout);
    } else if (this.detached.isOpen) {
      return this.setLayout("image");
    } else if ((page.session.payload.images ?? null) === null) {
      return toast("This case has no images.");
    } else if (this.detached.open()) {
      page.panes.setLayout("two");
    } else {
      return toast("The browser did not open a window: allow pop-ups of this site.", { tone: "warn" });
    }
    this.showLayout();
  }

  askSkip(): void {
    const { page } = this;
    if (this.isBusy || page.hasDialog) return;
    if (!page.isOwn) return toast("This case is not among yours: there is nothing to put off.");
    const open = page.session.autosave.openConflict;
    if (open) return page.openConflict(open);
    if (page.session.isLocked) return page.reopening.explain();
    openReasonDialog(SKIP, { accept: (why) => void this.skip(why), close: () => page.dialogClosed() });
  }

  openJump(): void {
    if (this.page.hasDialog) return;
    const { urls, case: here } = this.page.session.payload;
    openJumpDialog(urls.jump, here.id, {
      go: (url) => void this.page.leave(url),
      close: () => this.page.dialogClosed(),
    });
  }

  openSummary(): void {
    if (this.page.hasDialog) return;
    const { place } = openSummaryDialog(() => this.page.dialogClosed());
    void this.showSummaryIn(place);
  }

  /** What was read since midnight here, and the time with the case on the screen. */
  async showSummaryIn(place: HTMLElement): Promise<void> {
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    const { session } = this.page;
    const answer = await fetchSummary(`${session.payload.urls.summary}?since=${encodeURIComponent(midnight.toISOString())}`);
    if (answer.kind !== "summary") return setText(place, "The summary cannot be reached now.");
    replaceChildren(place, summaryView(answer.sitting, session.autosave.isFinished ? 0 : session.timer.seconds));
  }

  private async skip(why: Skipped): Promise<void> {
    const { page } = this;
    this.isBusy = true;
    page.status.showBusy(true);
    try {
      const result = await page.session.skip(page.state.labels, why);
      if (result.kind === "skipped") return await page.submitting.bringNext(result.next, "skipped");
      const open = page.session.autosave.openConflict;
      if (open) return page.openConflict(open);
      const reason =
        result.kind === "refused"
          ? result.message
          : result.kind === "stale"
            ? "another save of this case came first; try again, or reload to see it"
            : "the server cannot be reached, or you are signed out";
      toast(`Not skipped: ${reason}. Your labels are kept.`, { tone: "warn" });
    } finally {
      this.isBusy = false;
      page.status.showBusy(false);
    }
  }

  private get layoutButtons(): HTMLElement[] {
    return [...document.querySelectorAll<HTMLElement>("[data-layout]")];
  }

  private showLayout(): void {
    const layout = this.detached.isOpen ? "two" : this.page.panes.layout === "report" ? "report" : "image";
    for (const button of this.layoutButtons) setAttribute(button, "aria-pressed", String(button.dataset["layout"] === layout));
  }
}
