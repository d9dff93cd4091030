/** Two versions of one reading, cell by cell. */

import type { SchemaTable } from "./schema";
import { bodyOf, isSameCell, isSamePart } from "./state";
import type { CasePart } from "./state";
import type { CellNote, Labels } from "./types";

export type Side = "mine" | "theirs";

export interface Difference {
  /** Position of the cell; of what belongs to the whole case, one below zero. */
  readonly index: number;
  /** The cell, or the part of the body. */
  readonly key: string;
  /** The side that alone changed since the last common version; null when both did. */
  readonly suggested: Side | null;
}

/** What belongs to the whole case and is chosen as one. */
const PARTS: readonly { readonly part: CasePart; readonly index: number }[] = [
  { part: "case", index: -1 },
  { part: "measurements", index: -2 },
];

/** Cells and parts in which the versions differ. `base` is the last version both came from. */
export function differences(versions: { mine: Labels; theirs: Labels; base: Labels }, schema: SchemaTable): Difference[] {
  const { mine, theirs, base } = versions;
  const cells = schema.cells
    .filter(({ index, key }) => !isSameCell(mine, theirs, index, key))
    .map(({ index, key }) => {
      const onlyTheirs = isSameCell(mine, base, index, key);
      const onlyMine = isSameCell(theirs, base, index, key);
      return { index, key, suggested: suggestion(onlyTheirs, onlyMine) };
    });
  const parts = PARTS.filter(({ part }) => !isSamePart(mine, theirs, part)).map(({ part, index }) => ({
    index,
    key: part,
    suggested: suggestion(isSamePart(mine, base, part), isSamePart(theirs, base, part)),
  }));
  return [...cells, ...parts];
}

function suggestion(onlyTheirs: boolean, onlyMine: boolean): Side | null {
  if (onlyTheirs) return "theirs";
  return onlyMine ? "mine" : null;
}

/** Theirs, with what was chosen as mine taken over whole: of a cell its value, urgency, comment and flag. */
export function mergeVersions(mine: Labels, theirs: Labels, mineCells: readonly { index: number; key: string }[]): Labels {
  const values = [...theirs.values];
  const urgencies = [...theirs.urgencies];
  const cells: Record<string, CellNote> = { ...theirs.body.cells };
  for (const { index, key } of mineCells) {
    if (index < 0) continue;
    values[index] = mine.values.charAt(index);
    urgencies[index] = mine.urgencies.charAt(index);
    const note = mine.body.cells[key];
    if (note) cells[key] = note;
    else delete cells[key];
  }
  const mineParts = PARTS.filter(({ index }) => mineCells.some((chosen) => chosen.index === index));
  const parts = Object.fromEntries(mineParts.map(({ part }) => [part, mine.body[part]]));
  return { values: values.join(""), urgencies: urgencies.join(""), body: bodyOf({ ...theirs.body, ...parts, cells }) };
}
