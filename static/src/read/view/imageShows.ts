/** Beside the flag "image disagrees": the value that the image shows. */

import { el, setAttribute } from "../../lib/dom";
import { CODES, isValue } from "../codes";
import type { ValueCode } from "../codes";
import { hint } from "../hints";
import { hasImageDisagrees, noteOf } from "../state";
import type { ReadingState } from "../state";
import { imageValueOf } from "../imageValue";
import { glyph } from "./glyph";

export interface ImageShows {
  readonly element: HTMLElement;
  update(state: ReadingState, index: number, key: string): void;
}

export function createImageShows(onPick: (value: ValueCode) => void): ImageShows {
  const buttons = CODES.flatMap(({ code, says, name }) => {
    if (!isValue(code)) return [];
    const button = el("button", {
      class: `chip chip-sign v-${name}`,
      title: `The image shows: ${says}`,
      attrs: { type: "button", tabindex: -1, "aria-pressed": "false", "aria-label": `image shows ${says}` },
    });
    button.append(glyph(code));
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => onPick(code));
    return [{ code, button }];
  });
  const element = el("div", { class: "image-shows", attrs: { role: "group", "aria-label": "What the image shows" } }, [
    el("span", { class: "dim" }, ["shows ", hint("image-value")]),
    ...buttons.map(({ button }) => button),
  ]);

  function update(state: ReadingState, index: number, cell: string): void {
    const note = noteOf(state, cell);
    const shown = imageValueOf(note);
    element.hidden = !hasImageDisagrees(note);
    for (const { code, button } of buttons) {
      setAttribute(button, "aria-pressed", String(code === shown));
      // The image cannot disagree by showing the same.
      button.disabled = code === state.labels.values.charAt(index) && code !== shown;
    }
  }

  return { element, update };
}
