/** Threads on a case or a cell, a field to write in, and whether the manager is to act on it. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el, kbd, replaceChildren } from "../../lib/dom";
import type { NoteRequest, NoteThread } from "../types";
import { threadWords } from "./cardNotes";

export interface Said {
  readonly kind: NoteRequest["kind"];
  readonly text: string;
  readonly parent: number | null;
}

export interface NotesAsked {
  readonly title: string;
  readonly kind: NoteRequest["kind"];
  threads(): readonly NoteThread[];
}

const KINDS = [
  ["comment", "a comment"],
  ["flag", "for the manager to act on"],
] as const;

export function openNotesDialog(asked: NotesAsked, on: { write: (said: Said) => Promise<boolean>; close: () => void }): Dialog {
  let parent: number | null = null;
  const list = el("div", { class: "dialog-scroll notes-threads" });
  const radios = KINDS.map(([kind]) => el("input", { attrs: { type: "radio", name: "note-kind", value: kind } }));
  const kinds = el(
    "div",
    { class: "note-kinds", attrs: { role: "radiogroup", "aria-label": "What it is" } },
    KINDS.map(([, says], position) => el("label", {}, [radios[position], says])),
  );
  const text = el("textarea", { attrs: { rows: 3, maxlength: 4000, "aria-label": "Your words" } });
  const answering = el("p", { class: "dim" });
  const send = el("button", { class: "button button-primary", attrs: { type: "button" } }, ["Send ", kbd("Ctrl Enter")]);

  const begin = (answered: NoteThread | null): void => {
    parent = answered?.id ?? null;
    kinds.hidden = answered !== null;
    answering.hidden = answered === null;
    answering.textContent = answered ? `Your answer to: ${answered.text}` : "";
    text.focus();
  };
  const line = (thread: NoteThread): HTMLElement => {
    const answer = el("button", { class: "button button-quiet", text: "Answer", attrs: { type: "button" } });
    answer.addEventListener("click", () => begin(thread));
    return el("article", { class: "note-thread" }, [...threadWords(thread), answer]);
  };
  const show = (): void => {
    const threads = asked.threads();
    const nothing = el("p", { class: "dim", text: "No notes yet. Managers read them and answer here; other readers do not see them." });
    replaceChildren(list, threads.length > 0 ? threads.map(line) : [nothing]);
    send.disabled = text.value.trim() === "";
  };
  const finish = async (): Promise<void> => {
    if (send.disabled) return;
    send.disabled = true;
    const kind = radios[1]?.checked ? "flag" : "comment";
    if (await on.write({ kind, text: text.value.trim(), parent })) {
      text.value = "";
      begin(null);
    }
    show();
  };
  send.addEventListener("click", () => void finish());
  text.addEventListener("input", () => {
    send.disabled = text.value.trim() === "";
  });

  const dialog = openDialog({
    title: asked.title,
    class: "dialog-notes",
    onClose: on.close,
    onKey: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (!event.repeat) void finish();
    },
    children: [list, answering, kinds, text, el("footer", { class: "dialog-foot" }, [send])],
  });
  for (const radio of radios) radio.checked = radio.value === asked.kind;
  show();
  begin(null);
  return dialog;
}
