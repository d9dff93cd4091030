/** In the card: a line for each other labeler of the focused cell, one of which can be opened. */

import { el, replaceChildren } from "../../lib/dom";
import { UNREADABLE } from "../codes";
import { hint } from "../hints";
import type { Agreement, Saying } from "../labelers";
import { saysText, scoresOf } from "../labelers";
import type { SchemaTable } from "../schema";
import type { Span } from "../types";
import { glyph, urgencyBars } from "./glyph";

const LISTED = 3;

export interface LabelerLine {
  readonly saying: Saying;
  /** Null where there is nothing to compare. */
  readonly agrees: Agreement | null;
}

export interface LabelersShown {
  /** The cell. */
  readonly key: string;
  readonly lines: readonly LabelerLine[];
  readonly nNotAsked: number;
  /** What one line says for all, until they are asked for one by one; null for a line each. */
  readonly allSay: string | null;
  /** Runs that were left out. */
  readonly nMore: number;
  /** Id of the run whose line is open. */
  readonly open: string | null;
  readonly showsAll: boolean;
  /** Whether they could not be loaded. */
  readonly hasFailed: boolean;
  words(span: Span): string;
}

export interface LabelerActions {
  toggle(run: string): void;
  /** The pointer is on the line of a run, null when it has left. */
  hover(run: string | null): void;
  take(run: string): void;
  all(): void;
  again(): void;
}

export interface CardLabelers {
  readonly element: HTMLElement;
  update(shown: LabelersShown): void;
  bringOpenIntoView(): void;
  /** Takes back what bringing into view has moved, unless the reader has moved on since. */
  scrollBack(): void;
}

const SIGNS: Readonly<Record<Agreement, readonly [sign: string, says: string]>> = {
  same: ["=", "as you say"],
  near: ["≈", "nearly as you say"],
  differs: ["≠", "not as you say"],
};

/** A button that leaves the keyboard with the table. */
function press(props: Parameters<typeof el>[1], children: Parameters<typeof el>[2], onPress: () => void): HTMLButtonElement {
  const button = el("button", { ...props, attrs: { type: "button", tabindex: -1, ...props?.attrs } }, children);
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", onPress);
  return button;
}

export function createCardLabelers(schema: SchemaTable, on: LabelerActions): CardLabelers {
  const element = el("section", { class: "labelers", attrs: { "aria-label": "Other labelers of this cell" } });
  element.hidden = true;
  element.addEventListener("mouseleave", () => on.hover(null));
  let drawn = "";
  let moved: { readonly pane: Element; readonly from: number; readonly to: number } | null = null;

  function line({ saying, agrees }: LabelerLine, is: { open: boolean; next: boolean }, words: LabelersShown["words"]): HTMLElement {
    const { run, code } = saying;
    const [sign, says] = agrees ? SIGNS[agrees] : ["", ""];
    const title = [run.name, ...run.options, `run of ${run.started_at.slice(0, 16).replace("T", " ")} UTC`].join("\n");
    const button = press({ class: "labeler-line", title, attrs: { "aria-expanded": String(is.open) } }, [
      el("span", { class: "labeler-sign", text: sign, attrs: { "aria-hidden": "true" } }),
      el("span", { class: "labeler-name", text: run.name }),
      el("span", { class: "visually-hidden", text: ": " }),
      ...answer(saying, is.open),
      says && el("span", { class: "visually-hidden", text: `, ${says}` }),
      is.next && el("span", { class: "labeler-key" }, [hint("labeler", "short")]),
    ], () => on.toggle(run.run));
    const take = press(
      { class: "labeler-take", title: "Take over value, urgency and evidence" },
      [is.open && hint("take-over", "short"), " take ", el("span", { class: "visually-hidden", text: `${saysText(code)} from ${run.name}` })],
      () => on.take(run.run),
    );
    const name = ["labeler", is.open && "open", agrees === "differs" && "differs", code === UNREADABLE && "unread"].filter(Boolean).join(" ");
    const entry = el("li", { class: name, data: { run: run.run } }, [
      el("div", { class: "labeler-head" }, [button, code !== UNREADABLE && take]),
      is.open && more(saying, words),
    ]);
    entry.addEventListener("mouseenter", () => on.hover(run.run));
    return entry;
  }

  /** Value, urgency, scores and flags, each in a column of its own. */
  function answer({ code, urgency, cell }: Saying, isOpen: boolean): (HTMLElement | false)[] {
    const level = urgency === null ? "" : (schema.data.urgency_levels[urgency] ?? String(urgency));
    const flags = cell.flags ?? [];
    return [
      el("span", { class: "labeler-says", title: code === UNREADABLE ? "Please decide this one" : "" }, [glyph(code), el("span", { text: saysText(code) })]),
      urgency !== null && el("span", { class: "labeler-urgency", title: `urgency ${level}` }, [urgencyBars(urgency), el("span", { class: "visually-hidden", text: ` urgency ${level} ` })]),
      el("span", { class: "labeler-scores" }, scoresOf(cell).map(({ text, title }) => el("span", { text, title }))),
      flags.length > 0 && !isOpen && flagsTag(flags),
    ];
  }

  function more({ cell, urgency }: Saying, words: LabelersShown["words"]): HTMLElement {
    const level = urgency === null ? undefined : schema.data.urgency_levels[urgency];
    const quotes = (cell.evidence ?? []).map((span) => el("p", { class: "quote told", text: `“${words(span).trim()}”` }));
    const facts = [
      level && `urgency ${level}`,
      ...scoresOf(cell).flatMap(({ text, title }) => (title.endsWith(text) ? [] : [title])),
      ...(cell.flags ?? []).map((flag) => flag.replaceAll("_", " ")),
    ].filter(Boolean);
    return el("div", { class: "labeler-more" }, [
      ...quotes,
      quotes.length === 0 && el("p", { class: "dim", text: "It names no words of the report." }),
      el("p", { class: "dim", text: cell.reason ? `Why: ${cell.reason}` : "It gives no reason." }),
      facts.length > 0 && el("p", { class: "dim", text: facts.join(" · ") }),
    ]);
  }

  function foot(shown: LabelersShown, nHidden: number): HTMLElement | null {
    const rest = [
      shown.nNotAsked > 0 && `${shown.nNotAsked} not asked about this cell`,
      shown.nMore > 0 && `${shown.nMore} further ${shown.nMore === 1 ? "run is" : "runs are"} not listed`,
    ].filter(Boolean);
    const all = nHidden > 0 || shown.showsAll ? press({ class: "labelers-all", text: allText(shown, nHidden) }, [], on.all) : null;
    if (!all && rest.length === 0) return null;
    return el("p", { class: "dim labelers-foot" }, [all, all && rest.length > 0 && " · ", rest.join(" · ")]);
  }

  function allText({ allSay, lines, showsAll }: LabelersShown, nHidden: number): string {
    if (showsAll) return "fewer";
    return allSay === null ? `and ${nHidden} more` : `${lines.length} ${lines.length === 1 ? "other" : "others"}: ${allSay}`;
  }

  function update(shown: LabelersShown): void {
    const wanted = JSON.stringify([shown.key, shown.lines.map(({ saying, agrees }) => [saying.run.run, agrees]), shown.open, shown.showsAll, shown.hasFailed, shown.nNotAsked, shown.allSay]);
    if (wanted === drawn) return;
    drawn = wanted;
    element.hidden = shown.lines.length === 0 && shown.nNotAsked === 0 && !shown.hasFailed;
    const opened = shown.lines.findIndex(({ saying }) => saying.run.run === shown.open);
    const nListed = shown.allSay === null ? LISTED : 0;
    const listed = shown.showsAll || opened >= nListed ? shown.lines : shown.lines.slice(0, nListed);
    replaceChildren(element, [
      shown.hasFailed && el("p", { class: "dim" }, ["Other labelers could not be loaded. ", press({ class: "labelers-all", text: "Try again" }, [], on.again)]),
      listed.length > 0 && el("ul", {}, listed.map((each, place) => line(each, { open: place === opened, next: place === opened + 1 }, (span) => shown.words(span)))),
      foot(shown, shown.lines.length - listed.length),
    ]);
  }

  return {
    element,
    update,
    bringOpenIntoView() {
      const pane = element.closest(".pane-body");
      const before = pane?.scrollTop ?? 0;
      element.querySelector(".open")?.scrollIntoView({ block: "nearest" });
      if (pane && pane.scrollTop !== before) moved = { pane, from: pane.scrollTop, to: moved?.to ?? before };
    },
    scrollBack() {
      if (moved && moved.pane.scrollTop === moved.from) moved.pane.scrollTop = moved.to;
      moved = null;
    },
  };
}

function flagsTag(flags: readonly string[]): HTMLElement {
  const [first = ""] = flags;
  const more = flags.length > 1 ? ` +${flags.length - 1}` : "";
  return el("span", { class: "tag labeler-flags", text: first.replaceAll("_", " ") + more, title: flags.join(", ").replaceAll("_", " ") });
}
