/** Keys for the cases behind a figure (`table[data-explored]`). Without this script its links work as links. */

import "../styles/compare.css";
import "../styles/dashboard-cases.css";
import { bindRowKeys } from "../lib/rowKeys";

const table = document.querySelector<HTMLTableElement>("table[data-explored]");
if (table) {
  bindRowKeys(table);
  document.querySelector("[data-explorer-hint]")?.removeAttribute("hidden");
}
