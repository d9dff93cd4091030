/** The words that guide readers: marked where they are new, shown in place, and named with each submission. */

import { toast } from "../lib/toast";
import { fetchGuidelines } from "./api";
import type { ReadingPage } from "./page";
import type { CasePayload, Guideline, Guidelines } from "./types";
import { createCardGuideline } from "./view/cardGuideline";
import { openGuidelineDialog } from "./view/guidelineDialog";

export const WHOLE_PROJECT = "";

export class GuidelineBook {
  readonly view = createCardGuideline(() => this.open());
  private readonly page: ReadingPage;
  private data: Guidelines;
  private readonly seen = new Set<string>();

  constructor(page: ReadingPage, data: Guidelines) {
    this.page = page;
    this.data = data;
  }

  /** The version of each that is on this page. */
  get shown(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.data).map(([finding, { version }]) => [finding, version]));
  }

  /** Names of findings whose guideline is new and not yet looked at here. */
  get news(): ReadonlySet<string> {
    return new Set(Object.keys(this.data).filter((finding) => this.isNew(finding)));
  }

  /** Asks for later versions when the server has some. */
  begin(payload: CasePayload): void {
    const later = Object.entries(payload.guidelines).filter(([finding, version]) => this.data[finding]?.version !== version);
    if (later.length > 0) void this.fetch(payload.urls.guidelines);
  }

  draw(): void {
    const { focused: finding } = this;
    const own = this.data[finding] ?? null;
    const isNew = this.isNew(finding) || this.isNew(WHOLE_PROJECT);
    this.view.update(own ?? this.data[WHOLE_PROJECT] ?? null, { isNew, isOfProject: own === null });
  }

  open(): void {
    const { page } = this;
    if (page.hasDialog) return;
    const { focused: finding } = this;
    const shown: [string, Guideline][] = [];
    for (const [name, title] of [[finding, finding], [WHOLE_PROJECT, "The whole project"]] as const) {
      const guideline = this.data[name];
      if (guideline && guideline.text !== "") shown.push([title, guideline]);
      this.seen.add(name);
    }
    if (shown.length === 0) return toast(`There is no guideline for ${finding}.`);
    openGuidelineDialog(shown, () => page.dialogClosed());
    page.render();
  }

  private isNew(finding: string): boolean {
    return (this.data[finding]?.is_new ?? false) && !this.seen.has(finding);
  }

  private get focused(): string {
    return this.page.schema.findingName(this.page.state.focus);
  }

  private async fetch(url: string): Promise<void> {
    const result = await fetchGuidelines(url);
    if (result.kind !== "guidelines") return;
    const changed = Object.entries(result.guidelines).filter(([finding, { version }]) => this.data[finding]?.version !== version);
    if (changed.length === 0) return;
    // What is on the page was read with the words before: these are news, whoever read last.
    this.data = { ...result.guidelines, ...Object.fromEntries(changed.map(([finding, each]) => [finding, { ...each, is_new: true }])) };
    for (const [finding] of changed) this.seen.delete(finding);
    toast(`The guideline has changed: ${changed.map(([finding]) => finding || "the whole project").join(", ")}.`, { tone: "warn" });
    this.page.render();
  }
}
