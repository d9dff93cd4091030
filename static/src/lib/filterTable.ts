/** A box that hides the rows of a table which lack its words (`input[data-filters]` names the id of the table). */

import { byId, setText } from "./dom";

/** Whether every word of `wanted` is somewhere in `text`, whatever the case. */
export function matches(text: string, wanted: string): boolean {
  const among = text.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => among.includes(word));
}

/** Rows are searched by what stands in their first two cells: what the line is about. */
export function bindFilter(input: HTMLInputElement): void {
  const name = input.dataset["filters"] ?? "";
  const rows = [...byId(name).querySelectorAll<HTMLTableRowElement>("tbody tr")];
  const counter = document.querySelector<HTMLElement>(`[data-filter-count="${name}"]`);
  input.closest("label")?.removeAttribute("hidden");
  input.addEventListener("input", () => {
    const wanted = input.value.trim();
    let n = 0;
    for (const row of rows) {
      row.hidden = !matches(`${row.children[0]?.textContent} ${row.children[1]?.textContent}`, wanted);
      n += Number(!row.hidden);
    }
    if (counter) setText(counter, wanted === "" ? "" : `${n} of ${rows.length}`);
  });
}
