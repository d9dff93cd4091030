/** Waits for figures that are being computed, and says how far they are. */

import { setText } from "../lib/dom";
import { poll } from "../runs/polling";
import type { Loss } from "../runs/polling";

const POLL_MS = 1000;
const PATIENCE_MS = 30_000;

const LOST: Readonly<Record<Loss, string>> = {
  unreachable: "The server cannot be reached. The figures do not need this page, which tries again.",
  refused: "The server does not show these figures any more. Reload the page, and sign in again if it asks.",
};
const UNATTENDED =
  "No worker has taken them for half a minute: all are busy, or none is at work. Local instance: manage.py serve brings " +
  "workers along; start it anew. Server: docker compose --profile jobs up --detach.";

export interface Page {
  readonly reload: () => void;
  readonly nowMs: () => number;
}

/**
 * `section` is `[data-figures-url]`. A page without figures is loaded anew when they are there; one that shows figures
 * (`data-figures-shown`) offers it, because sorting, filters and choices would be lost. Returns what stops the asking.
 */
export function watchFigures(section: HTMLElement, { reload, nowMs }: Page): () => void {
  const isShown = section.dataset["figuresShown"] !== undefined;
  const since = nowMs();
  const told = ({ state }: { readonly state: string }): boolean => {
    const isQueued = state === "queued";
    warn(section, isQueued && nowMs() - since >= PATIENCE_MS);
    if (isQueued || state === "running") {
      say(section, waitingText(isQueued, isShown));
      return true;
    }
    if (isShown) offer(section, state === "done");
    else reload();
    return false;
  };
  return poll(section.dataset["figuresUrl"] ?? "", POLL_MS, { told, lost: (loss) => say(section, LOST[loss]) });
}

function waitingText(isQueued: boolean, isShown: boolean): string {
  if (isQueued) return `Waiting for a worker to compute ${isShown ? "newer" : "the"} figures.`;
  return `${isShown ? "Newer" : "The"} figures are being computed.`;
}

function offer(section: HTMLElement, isDone: boolean): void {
  const note = section.querySelector<HTMLElement>("[data-figures-waiting]");
  const link = document.createElement("a");
  link.href = window.location.pathname + window.location.search;
  link.textContent = isDone ? "Show them" : "Show why";
  note?.replaceChildren(isDone ? "Newer figures are there. " : "Newer figures could not be computed. ", link);
}

function warn(section: HTMLElement, isUnattended: boolean): void {
  const note = section.querySelector<HTMLElement>("[data-figures-unattended]");
  if (!note) return;
  note.hidden = !isUnattended;
  setText(note, isUnattended ? UNATTENDED : "");
}

function say(section: HTMLElement, text: string): void {
  const note = section.querySelector<HTMLElement>("[data-figures-waiting]");
  if (note) setText(note, text);
}
