/** The panes of the reading page: which has the keyboard, how wide each is, and the three layouts. */

import { byId, setAttribute } from "../lib/dom";
import type { Pane } from "./keys";
import type { ReadingPage } from "./page";
import type { Layout, PaneSet, Preferences } from "./preferences";

export const PANES: Readonly<Record<Pane, string>> = { report: "report-pane", cells: "cells-pane", image: "image-pane" };

/** Widths in CSS pixels below which a pane cannot be used. */
const LEAST_PX = { report: 220, cells: 430, image: 300 };
const SEPARATOR_PX = 7;
/** From here on the page writes larger; see read-layout.css. */
const VERY_WIDE_PX = 3000;
const STEP = 0.02;
const BIG_STEP = 0.1;

/** The pane whose keys are in force. Everything that is in no pane counts as the cells. */
export function paneOf(element: Element | null): Pane {
  if (element?.closest(`#${PANES.report}`)) return "report";
  return element?.closest(`#${PANES.image}`) ? "image" : "cells";
}

export function focusNextPane(page: ReadingPage): void {
  const open = (["report", "cells", "image"] as const).filter((pane) => !byId(PANES[pane]).hidden);
  const next = open[(open.indexOf(paneOf(document.activeElement)) + 1) % open.length] ?? "cells";
  if (next === "cells") page.focusCell(page.state.focus);
  else if (next === "report") byId("report-place").focus();
  else byId(PANES.image).focus();
}

/** Shares of `width` as they come at first: the cells as wide as they need, the rest between report and image. */
export function defaultShares(set: PaneSet, width: number): number[] {
  const least = set === "text" || set === "two" ? 590 : 470;
  const wanted = set === "text" || set === "two" ? 0.5 : 0.34;
  const cells = Math.min(Math.max(least, wanted * width), width > VERY_WIDE_PX ? 1220 : 940) / width;
  if (set === "text" || set === "two") return [1 - cells];
  return [(1 - cells) * (set === "report" ? 0.56 : 0.36), cells];
}

/** `shares` moved so far that every pane can be used; `width` in CSS pixels. */
export function fitted(shares: readonly number[], width: number): number[] {
  const least = (px: number): number => Math.min(px / width, 0.5);
  const [report = 0.5, cells] = shares;
  if (cells === undefined) {
    return [Math.max(least(LEAST_PX.report), Math.min(report, 1 - least(LEAST_PX.cells)))];
  }
  const wide = Math.max(least(LEAST_PX.cells), Math.min(cells, 1 - least(LEAST_PX.report) - least(LEAST_PX.image)));
  return [Math.max(least(LEAST_PX.report), Math.min(report, 1 - wide - least(LEAST_PX.image))), wide];
}

export class Panes {
  private readonly root = byId("main");
  private readonly preferences: Preferences;
  private readonly onResize: () => void;
  private readonly separators: readonly HTMLElement[];
  private hasImages = false;
  private isDetached = false;
  private shares: number[] = [];

  constructor(preferences: Preferences, onResize: () => void) {
    this.preferences = preferences;
    this.onResize = onResize;
    this.separators = ["split-report", "split-image"].map(byId);
    for (const [position, separator] of this.separators.entries()) this.listen(separator, position);
    new ResizeObserver(() => this.draw()).observe(this.root);
    this.draw();
  }

  get layout(): Layout {
    return this.preferences.data.layout ?? "image";
  }

  get set(): PaneSet {
    if (!this.hasImages) return "text";
    if (this.isDetached) return "two";
    return this.layout === "report" ? "report" : "image";
  }

  /** What there is to show: whether the case has images, and whether they are in a window of their own. */
  show(state: { hasImages?: boolean; isDetached?: boolean }): void {
    this.hasImages = state.hasImages ?? this.hasImages;
    this.isDetached = state.isDetached ?? this.isDetached;
    this.draw();
  }

  setLayout(layout: Layout): void {
    this.preferences.set({ layout });
    this.draw();
  }

  private draw(): void {
    const pane = byId(PANES.image);
    const isHidden = !this.hasImages || this.isDetached;
    if (pane.hidden !== isHidden) pane.hidden = isHidden;
    byId("split-image").hidden = isHidden;
    const { set } = this;
    const width = this.width;
    this.root.dataset["panes"] = set;
    this.shares = fitted(this.preferences.data.panes?.[set] ?? defaultShares(set, width), width);
    this.apply();
  }

  private get width(): number {
    return Math.max(1, this.root.clientWidth - SEPARATOR_PX * (this.set === "text" || this.set === "two" ? 1 : 2));
  }

  private apply(): void {
    const used = this.shares.reduce((sum, share) => sum + share, 0);
    const names = this.shares.length === 1 ? ["--report", "--cells"] : ["--report", "--cells", "--image"];
    for (const [position, name] of names.entries()) {
      this.root.style.setProperty(name, `${((this.shares[position] ?? 1 - used) * 100).toFixed(3)}fr`);
    }
    for (const [position, separator] of this.separators.entries()) {
      const before = this.shares.slice(0, position + 1).reduce((sum, share) => sum + share, 0);
      setAttribute(separator, "aria-valuenow", String(Math.round(before * 100)));
    }
    this.onResize();
  }

  /** Moves the line behind pane `position` to `edge`, a share of the width from the left. */
  private move(position: number, edge: number): void {
    const [report = 0.5, cells] = this.shares;
    const wanted = cells === undefined ? [edge] : position === 0 ? [edge, report + cells - edge] : [report, edge - report];
    this.shares = fitted(wanted, this.width);
    this.apply();
  }

  private keep(): void {
    const rounded = this.shares.map((share) => Math.round(share * 10_000) / 10_000);
    this.preferences.set({ panes: { ...this.preferences.data.panes, [this.set]: rounded } });
  }

  private edge(position: number): number {
    return this.shares.slice(0, position + 1).reduce((sum, share) => sum + share, 0);
  }

  private listen(separator: HTMLElement, position: number): void {
    separator.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      separator.focus();
      separator.setPointerCapture(event.pointerId);
      separator.classList.add("dragged");
    });
    separator.addEventListener("pointermove", (event) => {
      if (!separator.hasPointerCapture(event.pointerId)) return;
      const box = this.root.getBoundingClientRect();
      this.move(position, (event.clientX - box.left) / box.width);
    });
    separator.addEventListener("lostpointercapture", () => {
      separator.classList.remove("dragged");
      this.keep();
    });
    separator.addEventListener("dblclick", () => this.reset());
    separator.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = event.shiftKey ? BIG_STEP : STEP;
      if (event.key === "ArrowLeft") this.move(position, this.edge(position) - step);
      else if (event.key === "ArrowRight") this.move(position, this.edge(position) + step);
      else if (event.key === "Home") this.move(position, 0);
      else if (event.key === "End") this.move(position, 1);
      else if (event.key === "Enter") return this.reset(event);
      else return;
      event.preventDefault();
      this.keep();
    });
  }

  /** Back to the widths that this layout comes with. */
  private reset(event?: Event): void {
    event?.preventDefault();
    this.shares = fitted(defaultShares(this.set, this.width), this.width);
    this.apply();
    this.keep();
  }
}
