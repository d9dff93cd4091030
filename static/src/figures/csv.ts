/** CSV that a spreadsheet opens without running anything in it. */

import type { Line } from "./types";

const RISKY = /^[=+\-@\t\r]/;

/** Lines as CSV; the columns are those of the first. What is undefined is empty. */
export function csvOf(lines: readonly Line[]): string {
  const first = lines[0];
  if (!first) return "";
  const columns = Object.keys(first);
  const rows = lines.map((line) => columns.map((name) => cellText(line[name] ?? null)).join(","));
  return [columns.map(quoted).join(","), ...rows, ""].join("\r\n");
}

function cellText(value: string | number | null): string {
  if (value === null) return "";
  return typeof value === "number" ? String(value) : quoted(RISKY.test(value) ? `'${value}` : value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
