/** What still needs the reader, in words, under the table. */

import { el, replaceChildren } from "../../lib/dom";
import type { Attention } from "../attention";
import { hint } from "../hints";
import type { SchemaTable } from "../schema";
import { glyph } from "./glyph";

const LISTED = 4;

interface Line {
  readonly code: string;
  readonly index: number;
  readonly says: string;
  readonly why: string;
}

function lines(attention: Attention, schema: SchemaTable): Line[] {
  const named = (index: number): string => `${schema.targetTitle(index)} · ${schema.findingName(index)}`;
  const unreadable = attention.unreadable.map((index) => ({
    code: "!",
    index,
    says: named(index),
    why: "the machine’s answer could not be read: please decide this one",
  }));
  const clashes = attention.contradictions.map(({ cells, says, because }) => ({
    code: "~",
    index: cells[0] ?? 0,
    says,
    why: because,
  }));
  const few = attention.undecided.length <= LISTED ? attention.undecided : [];
  const undecided = few.map((index) => ({ code: "_", index, says: named(index), why: "not decided yet" }));
  return [...unreadable, ...clashes, ...undecided];
}

export function createAttention(schema: SchemaTable, onPick: (index: number) => void): {
  readonly element: HTMLElement;
  update(attention: Attention): void;
} {
  const element = el("section", { class: "attention", attrs: { "aria-label": "Needs your decision" } });
  let drawn = "";

  function update(attention: Attention): void {
    const all = lines(attention, schema);
    const many = attention.undecided.length > LISTED ? attention.undecided.length : 0;
    const wanted = JSON.stringify([all, many]);
    if (wanted === drawn) return;
    drawn = wanted;
    const shown = all.slice(0, LISTED).map((line) => {
      const button = el("button", { class: "attention-line", attrs: { type: "button", tabindex: -1 } }, [
        line.code === "~" ? el("span", { class: "clash-sign", text: "≠", attrs: { "aria-hidden": "true" } }) : glyph(line.code),
        el("span", {}, [el("b", { text: line.says }), ` ${line.why}`]),
      ]);
      button.addEventListener("mousedown", (event) => event.preventDefault());
      button.addEventListener("click", () => onPick(line.index));
      return button;
    });
    const rest = all.length - shown.length;
    replaceChildren(element, [
      all.length > 0 && el("h2", {}, ["Needs you ", hint("attention:1")]),
      ...shown,
      rest > 0 && el("p", { class: "dim", text: `and ${rest} more` }),
      many > 0 && el("p", { class: "dim", text: `${many} cells are not decided. Submitting asks whether to record them as not mentioned.` }),
    ]);
    element.hidden = all.length === 0 && many === 0;
  }

  return { element, update };
}
