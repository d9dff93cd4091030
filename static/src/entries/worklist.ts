/** Keys for `table[data-worklist]`, whose rows carry `data-href`. Without this script its links work as links. */

import { isTextField } from "../lib/dom";

const table = document.querySelector<HTMLTableElement>("table[data-worklist]");
const rows = [...(table?.querySelectorAll<HTMLTableRowElement>("tr[data-href]") ?? [])];
const filter = document.querySelector<HTMLInputElement>("[data-worklist-filter]");
let current = -1;

function linkOf(row: HTMLTableRowElement): HTMLAnchorElement | null {
  return row.querySelector("a[href]");
}

function select(position: number): void {
  const row = rows[Math.max(0, Math.min(rows.length - 1, position))];
  if (!row) return;
  rows[current]?.classList.remove("current");
  current = rows.indexOf(row);
  row.classList.add("current");
  linkOf(row)?.focus();
  row.scrollIntoView({ block: "nearest" });
}

const MOVES: Readonly<Record<string, (position: number) => number>> = {
  j: (position) => position + 1,
  ArrowDown: (position) => position + 1,
  k: (position) => position - 1,
  ArrowUp: (position) => position - 1,
  Home: () => 0,
  End: () => rows.length - 1,
};

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
  if (!row) return;
  rows[current]?.classList.remove("current");
  current = rows.indexOf(row);
  row.classList.add("current");
});

table?.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || event.target.closest("a, button, input")) return;
  if (!window.getSelection()?.isCollapsed) return;
  const href = event.target.closest<HTMLElement>("tr[data-href]")?.dataset["href"];
  if (href) window.location.assign(href);
});

const firstOpen = rows.findIndex((row) => row.dataset["state"] !== "submitted");
if (rows.length > 0 && document.activeElement === document.body) select(Math.max(0, firstOpen));
