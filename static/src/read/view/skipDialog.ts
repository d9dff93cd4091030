/** Why a case is put off: a reason by its number or the arrows, words if wanted. The chord that opened it confirms. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, embeddedJson, isTextField, kbd } from "../../lib/dom";
import type { Skipped } from "../types";

const OTHER = "other";

interface Reason {
  readonly reason: string;
  readonly says: string;
}

export function openSkipDialog(on: { skip: (why: Skipped) => void; close: () => void }): Dialog {
  const reasons = embeddedJson<Reason[]>("skip-reasons");
  const radios = reasons.map(({ reason }) => el("input", { attrs: { type: "radio", name: "skip-reason", value: reason } }));
  const note = el("textarea", { attrs: { rows: 2, maxlength: 1000, "aria-label": "In your words", placeholder: "In your words (needed for another reason)" } });
  const accept = el("button", { class: "button button-primary", attrs: { type: "button" } }, ["Skip this case ", kbd("Ctrl Enter")]);
  const chosen = (): string => radios.find((radio) => radio.checked)?.value ?? "";

  const show = (): void => {
    accept.disabled = chosen() === "" || (chosen() === OTHER && note.value.trim() === "");
  };
  const finish = (): void => {
    if (accept.disabled) return;
    dialog.close();
    on.skip({ reason: chosen(), note: note.value.trim() });
  };
  accept.addEventListener("click", finish);
  note.addEventListener("input", show);
  for (const radio of radios) radio.addEventListener("change", show);

  const dialog: Dialog = openDialog({
    title: "Skip this case",
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
      el("p", { class: "lead", text: "It keeps what you have entered and comes again once no other case is left, or when you open it." }),
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
