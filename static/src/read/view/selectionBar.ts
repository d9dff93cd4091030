/** A small bar beside the words that are selected: make them evidence of the focused cell, or take them away from it. */

import { el, replaceChildren, setText } from "../../lib/dom";
import { hint } from "../hints";

export interface SelectionBar {
  readonly element: HTMLElement;
  /** Shows the bar under the end of the selection, naming the cell; `canRemove` when words of it are evidence now. */
  show(box: DOMRect, cell: string, canRemove: boolean): void;
  hide(): void;
}

export function createSelectionBar(on: { add: () => void; remove: () => void }): SelectionBar {
  const cellName = el("span");
  const button = (children: readonly (Node | string)[], press: () => void): HTMLButtonElement => {
    const made = el("button", { class: "selection-button", attrs: { type: "button", tabindex: -1 } });
    replaceChildren(made, children);
    // The words stay selected while the mouse presses.
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", press);
    return made;
  };
  const add = button([hint("evidence-add"), "evidence for ", cellName], on.add);
  const remove = button([hint("evidence-remove"), "not evidence"], on.remove);
  const element = el("div", { class: "selection-bar", attrs: { role: "toolbar", "aria-label": "Selected words" } }, [add, remove]);
  element.hidden = true;

  return {
    element,
    show(box, cell, canRemove) {
      setText(cellName, cell);
      remove.hidden = !canRemove;
      element.hidden = false;
      const width = element.offsetWidth;
      const height = element.offsetHeight;
      const isRoomBelow = box.bottom + 6 + height < window.innerHeight;
      element.style.left = `${Math.max(6, Math.min(box.right - width / 2, window.innerWidth - width - 6))}px`;
      element.style.top = `${isRoomBelow ? box.bottom + 6 : Math.max(6, box.top - height - 6)}px`;
    },
    hide() {
      element.hidden = true;
    },
  };
}
