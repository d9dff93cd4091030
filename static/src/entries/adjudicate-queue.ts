/** The queue of disputed cells, the list of a bulk decision, and the counts on the dashboard. All work without this. */

import "../styles/dashboard-tables.css";
import "../styles/adjudicate-queue.css";
import { setText } from "../lib/dom";
import { bindRowKeys } from "../lib/rowKeys";
import { bindSorting } from "../lib/sortTable";

for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
const cases = document.querySelector<HTMLTableElement>("table[data-cases]");
if (cases) bindRowKeys(cases);

const all = document.querySelector<HTMLInputElement>("input[data-all]");
const boxes = [...document.querySelectorAll<HTMLInputElement>("input[name=cell]")];
const button = document.querySelector<HTMLButtonElement>("button[data-counted]");

function count(): void {
  const n = boxes.filter((box) => box.checked).length;
  if (!all || !button) return;
  setText(button, `Decide ${n} cell${n === 1 ? "" : "s"}`);
  button.disabled = n === 0;
  all.checked = n === boxes.length;
  all.indeterminate = n > 0 && n < boxes.length;
}

all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
  count();
});
for (const box of boxes) box.addEventListener("change", count);
count();
