/** What the tooltip of a figure says. */

import type { Row } from "./types";

/** "liver focal: 0.820 (0.710 to 0.900), 31 of 200 positive". */
export function said({ row, value, low, high, n, n_positive }: Row): string {
  const interval = low === null || high === null ? "" : ` (${low.toFixed(3)} to ${high.toFixed(3)})`;
  const support = n === null ? "" : `, ${n_positive ?? "?"} of ${n} positive`;
  return `${row}: ${value?.toFixed(3) ?? "undefined"}${interval}${support}`;
}
