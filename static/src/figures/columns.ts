/** Lines of a tall plot laid out in columns, like words in a dictionary: read down, then on at the top. */

/** A line of the plot: a heading, or a row of its data. */
export type Entry<T> = { readonly heading: string; readonly data: null } | { readonly heading: null; readonly data: T };

export type Placed<T> = Entry<T> & { readonly column: number; readonly line: number };

export interface Laid<T> {
  readonly placed: readonly Placed<T>[];
  readonly columns: number;
  readonly lines: number;
}

const LEAST_LINES = 14;
const COLUMN_WIDTH = 330;

/** How many columns `n` lines take at most in `width` pixels; few lines stay in one. */
export function columnsFor(n: number, width: number): number {
  return Math.max(1, Math.min(Math.floor(width / COLUMN_WIDTH), Math.ceil(n / LEAST_LINES)));
}

/** The groups one under the other, each under its name (none where it is empty); a group is not split over columns. */
export function laid<T>(groups: readonly (readonly [name: string, members: readonly T[]])[], most: number): Laid<T> {
  const blocks = groups.map(([name, members]): Entry<T>[] => [
    ...(name === "" ? [] : [{ heading: name, data: null }]),
    ...members.map((data) => ({ heading: null, data })),
  ]);
  const whole = groups.length > 1 ? blocks : (blocks[0] ?? []).map((entry) => [entry]);
  const height = leastHeight(whole.map((block) => block.length), most);
  const placed: Placed<T>[] = [];
  let [column, line, lines] = [0, 0, 0];
  for (const block of whole) {
    if (line > 0 && line + block.length > height) [column, line] = [column + 1, 0];
    for (const entry of block) placed.push({ ...entry, column, line: line++ });
    lines = Math.max(lines, line);
  }
  return { placed, columns: column + 1, lines };
}

/** The least height at which blocks of these sizes fit into `most` columns. */
function leastHeight(sizes: readonly number[], most: number): number {
  let height = Math.max(1, ...sizes);
  while (columnsAt(sizes, height) > most) height++;
  return height;
}

function columnsAt(sizes: readonly number[], height: number): number {
  let [columns, line] = [1, 0];
  for (const size of sizes) {
    if (line > 0 && line + size > height) [columns, line] = [columns + 1, 0];
    line += size;
  }
  return columns;
}
