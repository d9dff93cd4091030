/** The line above the cells: what became of the case, and what can be done about it. */

import { byId, el, replaceChildren } from "../../lib/dom";
import type { Child } from "../../lib/dom";
import { hint } from "../hints";
import type { CasePayload } from "../types";

/** What the line says; null when there is nothing to say. */
export function bannerText(payload: CasePayload): string | null {
  const { case: info, reading, excluded, notes } = payload;
  if (excluded !== null) return `Excluded from the study: ${excluded}`;
  if (info.state === "returned") {
    const sent = notes.findLast(({ kind, is_settled }) => kind === "return" && !is_settled);
    return `Returned to you: ${sent?.text ?? "please look at it again"}`;
  }
  if (!reading) return null;
  if (info.state === "submitted") return `Submitted as revision ${reading.revision}.`;
  return `Revision ${reading.revision} stands until you submit again.`;
}

export function showBanner(payload: CasePayload, on: { reopen: () => void }): void {
  const place = byId("case-banner");
  const text = bannerText(payload);
  const isReopenable = payload.case.state === "submitted" && payload.excluded === null;
  const reopen = el("button", { class: "button", attrs: { type: "button" } }, ["Reopen ", hint("reopen")]);
  reopen.addEventListener("click", on.reopen);
  const children: Child[] = [el("span", { text: text ?? "" }), isReopenable && reopen];
  place.hidden = text === null;
  place.classList.toggle("banner-warn", payload.case.state === "returned" || payload.excluded !== null);
  replaceChildren(place, children);
}
