/** Keys for `table[data-worklist]`. Without this script its links work as links. */

import { bindRowKeys } from "../lib/rowKeys";

const table = document.querySelector<HTMLTableElement>("table[data-worklist]");
const select = bindRowKeys(table, document.querySelector<HTMLInputElement>("[data-worklist-filter]"));
const rows = [...(table?.querySelectorAll<HTMLTableRowElement>("tr[data-href]") ?? [])];
const firstOpen = rows.findIndex((row) => row.dataset["state"] !== "submitted");
if (rows.length > 0 && document.activeElement === document.body) select(Math.max(0, firstOpen));
