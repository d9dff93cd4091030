/** A verb that needs a reason: one of a list by its number or the arrows, words if wanted. Ctrl+Enter confirms. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, embeddedJson, isTextField, kbd } from "../../lib/dom";
import type { Skipped } from "../types";

const OTHER = "other";

interface Reason {
  readonly reason: string;
  readonly says: string;
}

export interface Asked {
  readonly title: string;
  readonly lead: string;
  /** What the button says. */
  readonly accept: string;
  /** Id of the list that the page embeds. */
  readonly reasons: string;
}

export function openReasonDialog(asked: Asked, on: { accept: (why: Skipped) => void; close: () => void }): Dialog {
  const reasons = embeddedJson<Reason[]>(asked.reasons);
  const radios = reasons.map(({ reason }) => el("input", { attrs: { type: "radio", name: "reason", value: reason } }));
  const note = el("textarea", { attrs: { rows: 2, maxlength: 1000, "aria-label": "In your words", placeholder: "In your words (needed for another reason)" } });
  const accept = el("button", { class: "button button-primary", attrs: { type: "button" } }, [`${asked.accept} `, kbd("Ctrl Enter")]);
  const chosen = (): string => radios.find((radio) => radio.checked)?.value ?? "";

  const show = (): void => {
    accept.disabled = chosen() === "" || (chosen() === OTHER && note.value.trim() === "");
  };
  const finish = (): void => {
    if (accept.disabled) return;
    dialog.close();
    on.accept({ reason: chosen(), note: note.value.trim() });
  };
  accept.addEventListener("click", finish);
  note.addEventListener("input", show);
  for (const radio of radios) radio.addEventListener("change", show);

  const dialog: Dialog = openDialog({
    title: asked.title,
    class: "dialog-skip",
    onClose: on.close,
    onKey: (event) => {
      const picked = isTextField(event.target) || event.ctrlKey || event.altKey ? undefined : radios[Number(event.key) - 1];
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        if (!event.repeat) finish();
      } else if (picked) {
        picked.checked = true;
        picked.focus();
        show();
      } else return;
      event.preventDefault();
    },
    children: [
      el("p", { class: "lead", text: asked.lead }),
      el(
        "div",
        { class: "skip-reasons", attrs: { role: "radiogroup", "aria-label": "Reason" } },
        reasons.map(({ says }, position) => el("label", {}, [radios[position], kbd(String(position + 1)), says])),
      ),
      note,
      el("footer", { class: "dialog-foot" }, [accept]),
    ],
  });
  if (radios[0]) radios[0].checked = true;
  show();
  radios[0]?.focus();
  return dialog;
}
