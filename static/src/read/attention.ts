import { UNDECIDED, UNREADABLE } from "./codes";
import { findContradictions } from "./contradictions";
import type { Contradiction } from "./contradictions";
import type { SchemaTable } from "./schema";
import { cellsWith } from "./state";
import type { Labels } from "./types";

/** What keeps a reading from being submitted as it stands. */
export interface Attention {
  readonly unreadable: readonly number[];
  readonly undecided: readonly number[];
  readonly contradictions: readonly Contradiction[];
  /** All cells concerned, in the order of the table. */
  readonly cells: readonly number[];
}

export function attentionOf(labels: Labels, schema: SchemaTable): Attention {
  const unreadable = cellsWith(labels, UNREADABLE);
  const undecided = cellsWith(labels, UNDECIDED);
  const contradictions = findContradictions(labels, schema);
  const cells = new Set([...unreadable, ...undecided, ...contradictions.flatMap((each) => each.cells)]);
  return { unreadable, undecided, contradictions, cells: inTableOrder([...cells], schema) };
}

function inTableOrder(cells: number[], schema: SchemaTable): number[] {
  const rank = (index: number): number => schema.place(index).row * schema.columns + schema.place(index).column;
  return cells.sort((one, other) => rank(one) - rank(other));
}

/** The cell after (`by` 1) or before (`by` -1) `focus` that needs attention, going round; null when none does. */
export function nextAttention(attention: Attention, schema: SchemaTable, focus: number, by: 1 | -1): number | null {
  const rank = (index: number): number => schema.place(index).row * schema.columns + schema.place(index).column;
  const ordered = by === 1 ? attention.cells : [...attention.cells].reverse();
  const beyond = ordered.find((index) => (rank(index) - rank(focus)) * by > 0);
  return beyond ?? ordered[0] ?? null;
}
