/** The `?` overlay of the adjudication page. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, kbd } from "../../lib/dom";
import { CODES } from "../../read/codes";
import { keyText } from "../../read/hints";
import { REASON_KEYS } from "../keys";
import type { ReasonData } from "../types";

type Entry = readonly [keys: string, says: string];

function group(title: string, entries: readonly Entry[]): HTMLElement {
  const lines = entries.map(([keys, says]) => el("div", { class: "key-entry" }, [el("dt", {}, [kbd(keys)]), el("dd", { text: says })]));
  return el("section", {}, [el("h3", { text: title }), el("dl", {}, lines)]);
}

export function openKeys(levels: readonly string[], reasons: readonly ReasonData[], onClose: () => void): Dialog {
  const values = CODES.filter(({ key }) => key !== null).map(({ code, says }): Entry => [keyText(`value:${code}`), says]);
  const urgencies = levels.map((says, level): Entry => [keyText(`urgency:${level}`), says]);
  const dialog: Dialog = openDialog({
    title: "Keys",
    class: "dialog-keys",
    onClose,
    onKey: (event) => {
      if (event.key === "?") dialog.close();
    },
    children: [
      el("p", { class: "lead", text: "A value decides the cell and goes on to the next. Choose urgency, reason or note before it." }),
      el("div", { class: "key-groups", attrs: { tabindex: 0, role: "region", "aria-label": "All keys" } }, [
        group("Decide", values),
        levels.length > 0 ? group("Urgency, before the value", urgencies) : null,
        group("Reason, before the value", reasons.map(({ reason, says }): Entry => [REASON_KEYS[reason] ?? "", says])),
        group("Also", [
          [keyText("comment"), "note; Enter goes back"],
          [keyText("evidence-add"), "selected words are your evidence"],
          [keyText("evidence-remove"), "take your evidence away"],
          [keyText("undo"), "take the last decision back"],
        ]),
        group("Move", [
          ["↓", "next disputed cell"],
          ["↑", "the one before"],
          ["n", "next open cell"],
          [keyText("cited:1"), "show the image cited as evidence"],
          [keyText("pane"), "next pane"],
          [keyText("layout:two"), "images in a window of their own"],
          ["w", "back to the queue"],
          ["?", "these keys"],
        ]),
      ]),
    ],
  });
  return dialog;
}
