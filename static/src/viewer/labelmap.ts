/** A label map on the grid of its series: what a plane cuts of it, outlines, and the class at a voxel. */

import type { CutAxes } from "./plane";
import type { Vec3 } from "./types";
import { cutSlices } from "./voxels";

export interface LabelCut {
  readonly labels: Uint16Array;
  readonly columns: number;
  readonly rows: number;
}

export class LabelMap {
  readonly dimensions: Vec3;
  private readonly slices: (Uint16Array | undefined)[];

  constructor(dimensions: Vec3) {
    this.dimensions = dimensions;
    this.slices = Array.from({ length: dimensions[2] });
  }

  put(k: number, labels: ArrayLike<number>): void {
    this.slices[k] = labels instanceof Uint16Array ? labels : Uint16Array.from(labels);
  }

  at(i: number, j: number, k: number): number {
    const [columns, rows] = this.dimensions;
    return i < 0 || j < 0 || i >= columns || j >= rows ? 0 : (this.slices[k]?.[j * columns + i] ?? 0);
  }

  cut(axes: CutAxes | null, picture: number): LabelCut {
    const { dimensions } = this;
    if (!axes) {
      const labels = this.slices[picture] ?? new Uint16Array(dimensions[0] * dimensions[1]);
      return { labels, columns: dimensions[0], rows: dimensions[1] };
    }
    const [columns, rows] = [dimensions[axes.across], dimensions[axes.along]];
    const target = new Uint16Array(columns * rows);
    cutSlices(this.slices, { axes, picture, dimensions, target, missing: 0 });
    return { labels: target, columns, rows };
  }
}

/** The edges of each class, as runs of pixel corners: [x0, y0, x1, y1, ...] with 0 the outer edge of the first pixel. */
export function outlines({ labels, columns, rows }: LabelCut): ReadonlyMap<number, readonly number[]> {
  const edges = new Map<number, number[]>();
  const add = (value: number, ...run: [number, number, number, number]): void => {
    const known = edges.get(value);
    if (known) known.push(...run);
    else edges.set(value, [...run]);
  };
  const at = (column: number, row: number): number => labels[row * columns + column] ?? 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = at(column, row);
      if (value === 0) continue;
      if (row === 0 || at(column, row - 1) !== value) add(value, column, row, column + 1, row);
      if (row === rows - 1 || at(column, row + 1) !== value) add(value, column, row + 1, column + 1, row + 1);
      if (column === 0 || at(column - 1, row) !== value) add(value, column, row, column, row + 1);
      if (column === columns - 1 || at(column + 1, row) !== value) add(value, column + 1, row, column + 1, row + 1);
    }
  }
  return edges;
}

/** "#ef8a2b" to its parts. @throws RangeError for anything else. */
export function rgb(color: string): readonly [red: number, green: number, blue: number] {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (!match) throw new RangeError(`a colour is #rrggbb, not ${color}`);
  const [red, green, blue] = match.slice(1).map((part) => Number.parseInt(part, 16));
  return [red ?? 0, green ?? 0, blue ?? 0];
}
