import { assignMnemonics } from "./mnemonics";
import type { SchemaData } from "./types";

export interface CellPlace {
  readonly index: number;
  readonly key: string;
  readonly row: number;
  readonly column: number;
}

/** Letters that are commands in the cells pane, so no target may have them. See `keys.ts`. */
export const COMMAND_LETTERS = "ceinuw";

/** The schema as the screen needs it: a table of targets by findings in which some cells may not exist. */
export class SchemaTable {
  readonly data: SchemaData;
  readonly cells: readonly CellPlace[];
  /** One letter (or digit) per row and per column, null when none was left. */
  readonly rowLetters: readonly (string | null)[];
  readonly columnLetters: readonly (string | null)[];
  private readonly grid: readonly (readonly (number | null)[])[];

  /** `letters` are commands in the cells beside those that always are. */
  constructor(data: SchemaData, letters = "") {
    this.data = data;
    const rowOf = new Map(data.targets.map((target, row) => [target.name, row]));
    const columnOf = new Map(data.findings.map((finding, column) => [finding.name, column]));
    const grid: (number | null)[][] = data.targets.map(() => data.findings.map(() => null));
    this.cells = data.cells.map((key, index) => {
      const bar = key.indexOf("|");
      const row = rowOf.get(key.slice(0, bar));
      const column = columnOf.get(key.slice(bar + 1));
      const line = row === undefined ? undefined : grid[row];
      if (row === undefined || column === undefined || !line) {
        throw new Error(`schema ${data.name}: cell ${key} is not one of its targets and findings`);
      }
      line[column] = index;
      return { index, key, row, column };
    });
    this.grid = grid;
    this.rowLetters = assignMnemonics(
      data.targets.map((target) => target.title),
      COMMAND_LETTERS + letters,
    );
    this.columnLetters = assignMnemonics(data.findings.map((finding) => finding.short_name));
  }

  get size(): number {
    return this.cells.length;
  }

  get rows(): number {
    return this.data.targets.length;
  }

  get columns(): number {
    return this.data.findings.length;
  }

  /** Index of the cell at this place, null when the schema has none there. */
  at(row: number, column: number): number | null {
    return this.grid[row]?.[column] ?? null;
  }

  place(index: number): CellPlace {
    const place = this.cells[index];
    if (!place) throw new Error(`cell ${index} is not one of the ${this.size} cells of ${this.data.name}`);
    return place;
  }

  indexOf(key: string): number | null {
    const place = this.cells.find((cell) => cell.key === key);
    return place ? place.index : null;
  }

  targetTitle(index: number): string {
    return this.data.targets[this.place(index).row]?.title ?? "";
  }

  findingName(index: number): string {
    return this.data.findings[this.place(index).column]?.name ?? "";
  }

  definition(index: number): string {
    return this.data.findings[this.place(index).column]?.definition ?? "";
  }

  hasUrgency(index: number): boolean {
    return this.data.urgency_levels.length > 0 && (this.data.findings[this.place(index).column]?.urgency ?? false);
  }

  cellsOfRow(row: number): number[] {
    return (this.grid[row] ?? []).filter((index) => index !== null);
  }

  /** The first existing cell of a row, preferring `column`. */
  nearestInRow(row: number, column: number): number | null {
    const here = this.at(row, column);
    if (here !== null) return here;
    const inRow = this.cellsOfRow(row);
    let best: number | null = null;
    for (const index of inRow) {
      if (best === null || this.distance(index, column) < this.distance(best, column)) best = index;
    }
    return best;
  }

  private distance(index: number, column: number): number {
    return Math.abs(this.place(index).column - column);
  }
}
