/** Over the report: what the chosen sentence supports, and which words and cells have nothing to do with each other. */

import { el, replaceChildren, setAttribute, setText } from "../../lib/dom";
import { hint } from "../hints";
import type { SchemaTable } from "../schema";
import type { ReadingState } from "../state";
import { glyph } from "./glyph";

export interface WordsBarState {
  /** Cells that the chosen sentence supports; null when none is chosen. */
  readonly supported: readonly number[] | null;
  readonly unused: number;
  readonly showsUnused: boolean;
  readonly unsupported: number;
  readonly showsUnsupported: boolean;
  /** Cells on which labelers differ; null where there are not several. */
  readonly differing: number | null;
  readonly showsDiffering: boolean;
}

export interface WordsBar {
  readonly element: HTMLElement;
  update(state: ReadingState, bar: WordsBarState): void;
}

interface Toggle {
  readonly button: HTMLButtonElement;
  update(count: number, isOn: boolean): void;
}

function toggle(command: "unused" | "unsupported" | "differing", words: string, long: string, onPress: () => void): Toggle {
  const count = el("b", { class: "count" });
  const button = el("button", { class: "toggle", title: long, attrs: { type: "button", "aria-pressed": "false" } }, [
    count,
    " ", // between words for those who hear them
    el("span", { text: words }),
    " ",
    hint(command),
  ]);
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", onPress);
  return {
    button,
    update(number, isOn) {
      setText(count, String(number));
      setAttribute(button, "aria-pressed", String(isOn));
    },
  };
}

export function createWordsBar(
  schema: SchemaTable,
  on: { unused: () => void; unsupported: () => void; differing: () => void; cell: (index: number) => void },
): WordsBar {
  const unused = toggle("unused", "unused", "sentences no cell uses", on.unused);
  const unsupported = toggle("unsupported", "unsupported", "cells no sentence supports", on.unsupported);
  const differing = toggle("differing", "differ", "cells on which labelers differ", on.differing);
  differing.button.classList.add("toggle-differ");
  const supports = el("div", { class: "supports-list", attrs: { role: "group", "aria-label": "Cells that the sentence supports" } });
  const element = el("div", { class: "words-bar" }, [
    supports,
    el("div", { class: "toggles", attrs: { role: "group", "aria-label": "Words and cells" } }, [unused.button, unsupported.button, differing.button]),
  ]);
  let drawn: string | null = null;

  function drawSupported(state: ReadingState, cells: readonly number[] | null): void {
    const values = cells?.map((index) => state.labels.values.charAt(index)).join("") ?? "";
    const wanted = JSON.stringify([cells, values, state.focus]);
    if (wanted === drawn) return;
    drawn = wanted;
    const chips = (cells ?? []).map((index) => {
      const name = `${schema.targetTitle(index)} · ${schema.findingName(index)}`;
      const chip = el("button", { class: "support", title: name, attrs: { type: "button", tabindex: -1, "aria-current": index === state.focus ? "true" : null } }, [
        glyph(state.labels.values.charAt(index)),
        el("span", { text: name }),
      ]);
      chip.addEventListener("mousedown", (event) => event.preventDefault());
      chip.addEventListener("click", () => on.cell(index));
      return chip;
    });
    const none = cells?.length === 0 ? el("span", { class: "dim", text: "no cell uses this sentence" }) : null;
    replaceChildren(supports, [cells && cells.length > 0 && el("span", { class: "dim", text: "supports" }), ...chips, none]);
  }

  return {
    element,
    update(state, bar) {
      drawSupported(state, bar.supported);
      unused.update(bar.unused, bar.showsUnused);
      unsupported.update(bar.unsupported, bar.showsUnsupported);
      differing.button.hidden = bar.differing === null;
      differing.update(bar.differing ?? 0, bar.showsDiffering);
    },
  };
}
