/** The words that support the focused cell, who says so, and a way to take each of them away. */

import { el, replaceChildren } from "../../lib/dom";
import type { Quote } from "../evidence";
import type { Prefill } from "../types";

const LISTED = 3;

export interface CardEvidence {
  readonly element: HTMLElement;
  /** `isOwn`: the reader's evidence stands in place of the machine's. */
  update(key: string, quotes: readonly Quote[], isOwn: boolean): void;
}

export function createCardEvidence(prefill: Prefill | null, onRemove: (position: number) => void): CardEvidence {
  const element = el("div", { class: "quotes", attrs: { role: "group", "aria-label": "Evidence" } });
  let drawn = "";

  function line({ words, by }: Quote, position: number): HTMLElement {
    const remove = el("button", {
      class: "quote-remove",
      text: "×",
      title: "Take this away from the evidence (⇧E)",
      attrs: { type: "button", tabindex: -1, "aria-label": `Take evidence ${position + 1} away` },
    });
    remove.addEventListener("mousedown", (event) => event.preventDefault());
    remove.addEventListener("click", () => onRemove(position));
    return el("div", { class: "quote-line" }, [
      el("p", { class: "quote", text: `“${words.trim()}”` }),
      el("span", { class: `tag by-${by}`, text: by }),
      remove,
    ]);
  }

  function update(key: string, quotes: readonly Quote[], isOwn: boolean): void {
    const wanted = JSON.stringify([key, quotes, isOwn]);
    if (wanted === drawn) return;
    drawn = wanted;
    const reason = prefill?.cells[key]?.reason;
    const who = prefill ? ` (${prefill.labeler})` : "";
    const rest = quotes.length - LISTED;
    replaceChildren(element, [
      ...quotes.slice(0, LISTED).map(line),
      rest > 0 && el("p", { class: "dim", text: `and ${rest} more` }),
      quotes.length === 0 && el("p", { class: "dim", text: noEvidence(prefill !== null, isOwn) }),
      reason && el("p", { class: "dim", text: `Why${who}: ${reason}` }),
    ]);
  }

  return { element, update };
}

function noEvidence(isPrefilled: boolean, isOwn: boolean): string {
  if (isOwn) return "You took all evidence away: no words support this cell.";
  return isPrefilled ? "No sentence was found for this cell." : "";
}
