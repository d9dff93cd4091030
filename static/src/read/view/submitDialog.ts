/** Shown only when something stands against submitting. The chord that opened it confirms it, when that is allowed. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, kbd } from "../../lib/dom";
import type { Attention } from "../attention";
import type { SchemaTable } from "../schema";

/** A chord that is still being pressed, or pressed twice by a tired hand, does not confirm. */
const DEAF_MS = 400;

const LISTED = 8;

function part(heading: string, lines: readonly HTMLElement[]): HTMLElement | null {
  if (lines.length === 0) return null;
  return el("section", {}, [
    el("h3", { text: heading }),
    el("ul", { class: "plain" }, lines.slice(0, LISTED)),
    lines.length > LISTED && el("p", { class: "dim", text: `and ${lines.length - LISTED} more` }),
  ]);
}

export function openSubmitDialog(
  attention: Attention,
  schema: SchemaTable,
  on: { submit: () => void; visit: (index: number) => void; close: () => void },
): Dialog {
  const openedMs = Date.now();
  const mustDecide = attention.unreadable.length > 0;
  const named = (index: number): string => `${schema.targetTitle(index)} · ${schema.findingName(index)}`;

  const confirm = (): void => {
    if (mustDecide || Date.now() - openedMs < DEAF_MS) return;
    dialog.close();
    on.submit();
  };
  const visit = (index: number): void => {
    dialog.close();
    on.visit(index);
  };
  const line = (index: number, says: string, why: string): HTMLElement => {
    const button = el("button", { class: "attention-line", attrs: { type: "button" } }, [el("b", { text: says }), ` ${why}`]);
    button.addEventListener("click", () => visit(index));
    return el("li", {}, [button]);
  };
  const undecided = attention.undecided.length;
  const label = attention.contradictions.length > 0 ? "Submit anyway" : "Record and submit";
  const accept = el("button", { class: "button button-primary", attrs: { type: "button" } }, [
    `${mustDecide ? "Decide the first one" : label} `,
    kbd(mustDecide ? "Enter" : "Ctrl Enter"),
  ]);
  accept.addEventListener("click", () => {
    if (mustDecide) visit(attention.unreadable[0] ?? 0);
    else confirm();
  });
  const back = el("button", { class: "button", attrs: { type: "button" } }, ["Keep reading ", kbd("Esc")]);
  back.addEventListener("click", () => dialog.close());

  const dialog: Dialog = openDialog({
    title: mustDecide ? "Some cells need your decision" : "Before you submit",
    class: "dialog-submit",
    onClose: on.close,
    onKey: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (!event.repeat) confirm();
    },
    children: [
      part(
        "Not readable: the machine’s answer to these could not be used",
        attention.unreadable.map((index) => line(index, named(index), "please decide")),
      ),
      part(
        "These do not go together",
        attention.contradictions.map(({ cells, says, because }) => line(cells[0] ?? 0, says, because)),
      ),
      undecided > 0 &&
        el("p", {
          text: `${undecided === 1 ? "One cell is" : `${undecided} cells are`} not decided. Submitting records ${
            undecided === 1 ? "it" : `the ${undecided} undecided cells`
          } as not mentioned.`,
        }),
      el("footer", { class: "dialog-foot" }, [back, accept]),
    ],
  });
  accept.focus();
  return dialog;
}
