/** Two versions of one reading, cell by cell. */

import type { SchemaTable } from "./schema";
import { isSameCell } from "./state";
import type { CellNote, Labels } from "./types";

export type Side = "mine" | "theirs";

export interface Difference {
  readonly index: number;
  readonly key: string;
  /** The side that alone changed since the last common version; null when both did. */
  readonly suggested: Side | null;
}

/** Cells in which the versions differ. `base` is the last version both came from. */
export function differences(versions: { mine: Labels; theirs: Labels; base: Labels }, schema: SchemaTable): Difference[] {
  const { mine, theirs, base } = versions;
  return schema.cells
    .filter(({ index, key }) => !isSameCell(mine, theirs, index, key))
    .map(({ index, key }) => {
      const onlyTheirs = isSameCell(mine, base, index, key);
      const onlyMine = isSameCell(theirs, base, index, key);
      return { index, key, suggested: onlyTheirs ? "theirs" : onlyMine ? "mine" : null };
    });
}

/** Theirs, with the cells chosen as mine taken over whole: value, urgency, comment and flag. */
export function mergeVersions(mine: Labels, theirs: Labels, mineCells: readonly { index: number; key: string }[]): Labels {
  const values = [...theirs.values];
  const urgencies = [...theirs.urgencies];
  const cells: Record<string, CellNote> = { ...theirs.body.cells };
  for (const { index, key } of mineCells) {
    values[index] = mine.values.charAt(index);
    urgencies[index] = mine.urgencies.charAt(index);
    const note = mine.body.cells[key];
    if (note) cells[key] = note;
    else delete cells[key];
  }
  return { values: values.join(""), urgencies: urgencies.join(""), body: { cells } };
}
