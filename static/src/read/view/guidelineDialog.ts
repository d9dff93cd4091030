/** The guideline of a finding and that of the project, each with its version and what changed in it last. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el } from "../../lib/dom";
import type { Guideline } from "../types";

export function openGuidelineDialog(shown: readonly (readonly [title: string, guideline: Guideline])[], onClose: () => void): Dialog {
  const parts = shown.map(([title, guideline]) =>
    el("section", { class: "guideline-part" }, [
      el("h3", { text: title }),
      el("p", { class: "dim" }, [
        `Version ${guideline.version}, ${guideline.written_at.slice(0, 10)}`,
        guideline.what_changed && `: ${guideline.what_changed}`,
        guideline.is_new && el("span", { class: "tag tag-new", text: "new since you last read" }),
      ]),
      el("p", { class: "guideline-text", text: guideline.text }),
    ]),
  );
  return openDialog({
    title: "Guideline",
    class: "dialog-guideline",
    onClose,
    children: [el("div", { class: "dialog-scroll", attrs: { tabindex: 0, role: "region", "aria-label": "Text of the guideline" } }, parts)],
  });
}
