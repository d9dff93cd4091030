/**
 * Live progress of the open runs of a list (`tr[data-run-url]`) and of the page of one (`[data-run]`). On the page of a
 * run that is over, what takes long to add up comes after the rest (`a[data-add-up]`).
 */

import "../styles/runs.css";
import { addUp } from "../runs/adding";
import { watchRow, watchRun } from "../runs/watching";

const MOST_ROWS = 5;
const reload = (): void => window.location.reload();

const section = document.querySelector<HTMLElement>("[data-run]");
if (section) watchRun(section, reload);
for (const row of [...document.querySelectorAll<HTMLElement>("tr[data-run-url]")].slice(0, MOST_ROWS)) watchRow(row, reload);

const link = document.querySelector<HTMLAnchorElement>("a[data-add-up]");
if (link && !section) void addUp(link);
