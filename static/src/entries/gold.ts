/** Gold: tables that can be sorted and narrowed. */

import "../styles/compare.css";
import "../styles/dashboard-tables.css";
import "../styles/gold.css";
import { bindFilter } from "../lib/filterTable";
import { bindSorting } from "../lib/sortTable";

for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
for (const input of document.querySelectorAll<HTMLInputElement>("input[data-filters]")) bindFilter(input);
