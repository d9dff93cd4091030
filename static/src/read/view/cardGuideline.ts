/** The guideline of the focused finding: its first words, whether it is new, and the way to the whole of it. */

import { el, setText } from "../../lib/dom";
import { hint } from "../hints";
import type { Guideline } from "../types";

export interface CardGuideline {
  readonly element: HTMLElement;
  update(guideline: Guideline | null, about: { isNew: boolean; isOfProject: boolean }): void;
}

export function createCardGuideline(onOpen: () => void): CardGuideline {
  const mark = el("span", { class: "tag tag-new", text: "new since you last read" });
  const words = el("span", { class: "guideline-words" });
  const element = el("button", { class: "guideline", title: "Read the guideline", attrs: { type: "button", tabindex: -1 } }, [
    hint("guideline", "short"),
    mark,
    words,
  ]);
  element.addEventListener("mousedown", (event) => event.preventDefault());
  element.addEventListener("click", onOpen);

  return {
    element,
    update(guideline, { isNew, isOfProject }) {
      element.hidden = guideline === null || guideline.text === "";
      mark.hidden = !isNew;
      setText(words, guideline ? `${isOfProject ? "Guideline of the project" : "Guideline"}: ${guideline.text.replace(/\s+/g, " ")}` : "");
    },
  };
}
