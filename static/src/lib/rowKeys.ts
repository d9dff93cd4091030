/** Keys and clicks for a table whose rows carry `data-href`: j, k and arrows move, Enter opens, "/" goes to the filter. */

import { isTextField } from "./dom";

const MOVES: Readonly<Record<string, (position: number) => number>> = {
  j: (position) => position + 1,
  ArrowDown: (position) => position + 1,
  k: (position) => position - 1,
  ArrowUp: (position) => position - 1,
  Home: () => 0,
  End: () => Number.MAX_SAFE_INTEGER,
};

function linkOf(row: HTMLTableRowElement): HTMLAnchorElement | null {
  return row.querySelector("a[href]");
}

type Table = HTMLTableElement | null;

/** Binds them, and gives back what chooses a row by its position. Without a table there is only the filter. */
export function bindRowKeys(table: Table, filter: HTMLInputElement | null = null): (position: number) => void {
  const rows = [...(table?.querySelectorAll<HTMLTableRowElement>("tr[data-href]") ?? [])];
  let current = -1;

  function mark(row: HTMLTableRowElement): void {
    rows[current]?.classList.remove("current");
    current = rows.indexOf(row);
    row.classList.add("current");
  }

  function select(position: number): void {
    const row = rows[Math.max(0, Math.min(rows.length - 1, position))];
    if (!row) return;
    mark(row);
    linkOf(row)?.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTextField(event.target)) {
      if (event.key === "Escape" && event.target === filter) select(Math.max(0, current));
      return;
    }
    const move = MOVES[event.key];
    if (move && rows.length > 0) {
      event.preventDefault();
      select(move(current));
    } else if (event.key === "/" && filter) {
      event.preventDefault();
      filter.focus();
      filter.select();
    } else if (event.key === "Enter" && event.target === document.body) {
      const href = rows[current]?.dataset["href"];
      if (href) window.location.assign(href);
    }
  });

  table?.addEventListener("focusin", (event) => {
    const row = event.target instanceof Element ? event.target.closest<HTMLTableRowElement>("tr[data-href]") : null;
    if (row) mark(row);
  });

  table?.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.target.closest("a, button, input")) return;
    if (!window.getSelection()?.isCollapsed) return;
    const href = event.target.closest<HTMLElement>("tr[data-href]")?.dataset["href"];
    if (href) window.location.assign(href);
  });
  return select;
}
