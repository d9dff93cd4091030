/** Arrow keys in the grid of a comparison (`table[data-heat]`). Without this script its cells are plain links. */

import "../styles/compare.css";
import { bindGridKeys } from "../lib/gridKeys";

const table = document.querySelector<HTMLTableElement>("table[data-heat]");
if (table) {
  bindGridKeys(table);
  document.querySelector("[data-heat-hint]")?.removeAttribute("hidden");
}
