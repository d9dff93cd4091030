/** Tables that sort by a click on a head (`th[data-sort]` is `text` or `number`): up, down, and as the server had them. */

import { el } from "./dom";

export type Direction = "ascending" | "descending";
export type Sorting = "text" | "number";

/** Places of `keys` in order; equal keys stay as they were, and empty ones (undefined figures) are last either way. */
export function sortedOrder(keys: readonly string[], { sorting, direction }: { sorting: Sorting; direction: Direction }): number[] {
  const sign = direction === "ascending" ? 1 : -1;
  const compare = sorting === "number" ? (a: string, b: string) => Number(a) - Number(b) : (a: string, b: string) => a.localeCompare(b);
  return keys
    .map((_, place) => place)
    .sort((a, b) => {
      const [one, other] = [keys[a] ?? "", keys[b] ?? ""];
      if (one === "" || other === "") return Number(one === "") - Number(other === "") || a - b;
      return sign * compare(one, other) || a - b;
    });
}

const NEXT: Readonly<Record<string, Direction | null>> = { none: "ascending", ascending: "descending", descending: null };

/** Makes the heads of `table` buttons. A cell is sorted by its `data-value`, else by its text. */
export function bindSorting(table: HTMLTableElement): void {
  const body = table.querySelector("tbody");
  const heads = [...table.querySelectorAll<HTMLTableCellElement>("thead th[data-sort]")];
  if (!body) return;
  const rows = [...body.querySelectorAll("tr")];
  for (const head of heads) {
    const button = el("button", { class: "sort-button", text: head.textContent?.trim() ?? "", title: head.title, attrs: { type: "button" } });
    head.replaceChildren(button);
    head.removeAttribute("title");
    button.addEventListener("click", () => sortBy(head));
  }

  function sortBy(head: HTMLTableCellElement): void {
    const direction = NEXT[head.getAttribute("aria-sort") ?? "none"] ?? null;
    for (const each of heads) each.removeAttribute("aria-sort");
    if (direction === null) {
      body?.append(...rows);
      return;
    }
    head.setAttribute("aria-sort", direction);
    const sorting = head.dataset["sort"] === "text" ? "text" : "number";
    const column = [...(head.parentElement?.children ?? [])].indexOf(head);
    const order = sortedOrder(rows.map((row) => keyOf(row.children[column])), { sorting, direction });
    for (const place of order) body?.append(rows[place] as Node);
  }
}

function keyOf(cell: Element | undefined): string {
  return cell?.getAttribute("data-value") ?? cell?.textContent?.trim() ?? "";
}
