/** The voxels of a series as they arrive, `[k][j * columns + i]`, and cuts through them. */

import type { CutAxes } from "./plane";
import type { Vec3 } from "./types";

export type Pixels =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** One decoded picture. A value is `stored * slope + intercept`. */
export interface Slice {
  readonly pixels: Pixels;
  readonly columns: number;
  readonly rows: number;
  readonly slope: number;
  readonly intercept: number;
}

/** A picture to draw: `value = pixel * step + base`. */
export interface Shown {
  readonly pixels: Int16Array;
  readonly columns: number;
  readonly rows: number;
  /** False while a part of the cut has not arrived. */
  readonly isComplete: boolean;
}

/** A cut through slices on one grid; `missing` stands where a slice has not arrived. */
export function cutSlices<T extends Pixels>(
  slices: readonly (T | undefined)[],
  { axes, picture, dimensions, target, missing }: {
    axes: CutAxes;
    picture: number;
    dimensions: Vec3;
    target: T;
    missing: number;
  },
): boolean {
  const strides = [1, dimensions[0], 0];
  const [columns, rows] = [dimensions[axes.across], dimensions[axes.along]];
  const fixed = axes.normal === 2 ? 0 : picture * (strides[axes.normal] ?? 0);
  const stepAcross = (strides[axes.across] ?? 0) * (axes.acrossFlipped ? -1 : 1);
  const startAcross = axes.acrossFlipped ? (columns - 1) * (strides[axes.across] ?? 0) : 0;
  let isComplete = true;
  const sliceFor = (position: number): T | undefined => {
    const slice = slices[position];
    if (!slice) isComplete = false;
    return slice;
  };
  if (axes.across === 2) {
    for (let column = 0; column < columns; column += 1) {
      const slice = sliceFor(axes.acrossFlipped ? columns - 1 - column : column);
      for (let row = 0; row < rows; row += 1) {
        const j = (axes.alongFlipped ? rows - 1 - row : row) * (strides[axes.along] ?? 0);
        target[row * columns + column] = slice ? (slice[fixed + j] ?? missing) : missing;
      }
    }
    return isComplete;
  }
  for (let row = 0; row < rows; row += 1) {
    const along = axes.alongFlipped ? rows - 1 - row : row;
    const slice = sliceFor(axes.normal === 2 ? picture : axes.along === 2 ? along : 0);
    let from = fixed + startAcross + along * (strides[axes.along] ?? 0);
    const to = row * columns;
    if (!slice) target.fill(missing, to, to + columns);
    else if (stepAcross === 1) target.set(slice.subarray(from, from + columns), to);
    else {
      for (let column = 0; column < columns; column += 1, from += stepAcross) target[to + column] = slice[from] ?? missing;
    }
  }
  return isComplete;
}

const INT16 = { min: -32768, max: 32767 };

export class Voxels {
  readonly dimensions: Vec3;
  /** What a pixel to draw means: `value = pixel * step + base`. Set by the first slice. */
  step = 1;
  base = 0;
  nLoaded = 0;
  private readonly slices: (Slice | undefined)[];
  private readonly shown: (Int16Array | undefined)[];
  private readonly window: { readonly center: number; readonly width: number };
  private readonly steepest: number;

  /** `slopes` are those of all slices that will come: some scanners scale each by itself. */
  constructor(dimensions: Vec3, window: { readonly center: number; readonly width: number }, slopes: readonly number[] = []) {
    this.dimensions = dimensions;
    this.window = window;
    this.steepest = slopes.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
    this.slices = Array.from({ length: dimensions[2] });
    this.shown = Array.from({ length: dimensions[2] });
  }

  get isComplete(): boolean {
    return this.nLoaded === this.dimensions[2];
  }

  has(k: number): boolean {
    return this.slices[k] !== undefined;
  }

  put(k: number, slice: Slice): void {
    if (this.nLoaded === 0) this.chooseScale(slice);
    if (!this.slices[k]) this.nLoaded += 1;
    this.slices[k] = slice;
    this.shown[k] = this.toShown(slice);
  }

  get nBytes(): number {
    return this.slices.reduce((sum, slice, k) => {
      const shown = this.shown[k];
      const extra = shown && shown.buffer !== slice?.pixels.buffer ? shown.byteLength : 0;
      return sum + (slice?.pixels.byteLength ?? 0) + extra;
    }, 0);
  }

  /** Value in the units of the series, or null where nothing has arrived, outside, and where it is no number. */
  valueAt(i: number, j: number, k: number): number | null {
    const slice = this.slices[k];
    if (!slice || i < 0 || j < 0 || i >= slice.columns || j >= slice.rows) return null;
    const stored = slice.pixels[j * slice.columns + i];
    const value = stored === undefined ? NaN : stored * slice.slope + slice.intercept;
    return Number.isFinite(value) ? value : null;
  }

  /** Values of one slice, for windows that depend on them. */
  valuesOf(k: number): Float64Array | null {
    const slice = this.slices[k];
    return slice ? Float64Array.from(slice.pixels, (stored) => stored * slice.slope + slice.intercept) : null;
  }

  /** A picture of the plane, or of the stack when it has no axes. Null when nothing of it has arrived. */
  picture(axes: CutAxes | null, picture: number): Shown | null {
    const own = this.shown[picture];
    const isAsStored = !axes || (axes.normal === 2 && axes.across === 0 && !axes.acrossFlipped && !axes.alongFlipped);
    if (!axes || axes.normal === 2) {
      const slice = this.slices[picture];
      if (!own || !slice) return null;
      if (isAsStored) return { pixels: own, columns: slice.columns, rows: slice.rows, isComplete: true };
    }
    if (!axes || this.nLoaded === 0) return null;
    const [columns, rows] = [this.dimensions[axes.across], this.dimensions[axes.along]];
    const pixels = new Int16Array(columns * rows);
    const { dimensions } = this;
    const isComplete = cutSlices(this.shown, { axes, picture, dimensions, target: pixels, missing: INT16.min });
    return { pixels, columns, rows, isComplete };
  }

  private chooseScale({ pixels, slope, intercept }: Slice): void {
    if (pixels instanceof Float32Array || pixels.BYTES_PER_ELEMENT > 2) {
      // 65,536 grey steps over sixteen windows: more values than a picture to draw can tell apart.
      this.step = (this.window.width * 16) / 65_536 || 1;
      this.base = this.window.center;
      return;
    }
    this.step = Math.max(Math.abs(slope), this.steepest) || 1;
    this.base = intercept + (pixels instanceof Uint16Array ? 32_768 * this.step : 0);
  }

  private toShown({ pixels, slope, intercept }: Slice): Int16Array {
    const factor = slope / this.step;
    const offset = (intercept - this.base) / this.step;
    if (pixels instanceof Int16Array && factor === 1 && offset === 0) return pixels;
    const shown = new Int16Array(pixels.length);
    for (let position = 0; position < pixels.length; position += 1) {
      const value = Math.round((pixels[position] ?? 0) * factor + offset);
      shown[position] = value < INT16.min ? INT16.min : value > INT16.max ? INT16.max : value;
    }
    return shown;
  }
}
