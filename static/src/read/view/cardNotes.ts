/** The notes on the focused cell, in a line each, and the way to write one. */

import { el, replaceChildren } from "../../lib/dom";
import { hint } from "../hints";
import type { NoteThread } from "../types";

const LISTED = 2;

export interface CardNotes {
  readonly element: HTMLElement;
  update(threads: readonly NoteThread[]): void;
}

export function threadWords(thread: NoteThread): HTMLElement[] {
  const first = el("p", { class: "note-words" }, [el("b", { text: thread.author }), `: ${thread.text}`]);
  const signs = [
    thread.kind === "flag" && el("span", { class: "tag", text: "for the manager" }),
    thread.kind === "return" && el("span", { class: "tag", text: "returned" }),
    thread.is_settled && el("span", { class: "tag", text: "settled" }),
  ].filter((sign) => sign !== false);
  first.append(...signs.flatMap((sign) => [" ", sign]));
  const answers = thread.answers.map((answer) => el("p", { class: "note-words note-answer" }, [el("b", { text: answer.author }), `: ${answer.text}`]));
  return [first, ...answers];
}

export function createCardNotes(onOpen: () => void): CardNotes {
  const place = el("div", { class: "notes-list" });
  const words = el("span", { text: "notes" });
  const button = el("button", { class: "chip", attrs: { type: "button", tabindex: -1 } }, [hint("notes", "short"), words]);
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", onOpen);
  const element = el("div", { class: "card-notes", attrs: { role: "group", "aria-label": "Notes" } }, [button, place]);
  let drawn: readonly NoteThread[] | null = null;

  return {
    element,
    update(threads) {
      if (drawn !== null && drawn.length === threads.length && drawn.every((thread, position) => thread === threads[position])) return;
      drawn = threads;
      const rest = threads.length - LISTED;
      replaceChildren(place, [
        ...threads.slice(-LISTED).flatMap(threadWords),
        rest > 0 && el("p", { class: "dim", text: `and ${rest} earlier` }),
      ]);
    },
  };
}
