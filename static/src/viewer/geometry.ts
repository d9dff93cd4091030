/** Indices (i, j, k) = column, row, slice to LPS millimetres and back, and what the directions are called. */

import type { Grid, Vec3 } from "./types";

export type Axis = 0 | 1 | 2;
export type PlaneName = "axial" | "coronal" | "sagittal";

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a: Vec3, by: number): Vec3 => [a[0] * by, a[1] * by, a[2] * by];
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const length = (a: Vec3): number => Math.hypot(a[0], a[1], a[2]);
export const distance = (a: Vec3, b: Vec3): number => length(subtract(a, b));
export const unit = (a: Vec3): Vec3 => scale(a, 1 / (length(a) || 1));
export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

const at = (matrix: readonly number[], row: number, column: number): number => matrix[row * 4 + column] ?? 0;

/** The step in millimetres from one voxel to the next along this axis. */
export function stepOf(affineLps: readonly number[], axis: Axis): Vec3 {
  return [at(affineLps, 0, axis), at(affineLps, 1, axis), at(affineLps, 2, axis)];
}

export function originOf(affineLps: readonly number[]): Vec3 {
  return [at(affineLps, 0, 3), at(affineLps, 1, 3), at(affineLps, 2, 3)];
}

export function indexToWorld(index: Vec3, affineLps: readonly number[]): Vec3 {
  let point = originOf(affineLps);
  for (const axis of [0, 1, 2] as const) point = add(point, scale(stepOf(affineLps, axis), index[axis]));
  return point;
}

/** Cramer's rule, so that axes need be neither orthogonal nor unit. @throws RangeError for a singular affine. */
export function worldToIndex(point: Vec3, affineLps: readonly number[]): Vec3 {
  const [i, j, k] = [stepOf(affineLps, 0), stepOf(affineLps, 1), stepOf(affineLps, 2)];
  const determinant = dot(i, cross(j, k));
  if (!Number.isFinite(determinant) || determinant === 0) throw new RangeError("the affine of the series is singular");
  const offset = subtract(point, originOf(affineLps));
  return [
    dot(offset, cross(j, k)) / determinant,
    dot(offset, cross(k, i)) / determinant,
    dot(offset, cross(i, j)) / determinant,
  ];
}

/** Nearest voxel, or null outside the grid (half a voxel round the outermost centres is inside). */
export function voxelAt(point: Vec3, grid: Grid): Vec3 | null {
  const [i, j, k] = worldToIndex(point, grid.affine_lps).map(Math.round) as [number, number, number];
  const [columns, rows, slices] = grid.dimensions;
  return i >= 0 && j >= 0 && k >= 0 && i < columns && j < rows && k < slices ? [i, j, k] : null;
}

const LETTERS: readonly (readonly [positive: string, negative: string])[] = [
  ["L", "R"],
  ["P", "A"],
  ["S", "I"],
];

/** Where a direction points in the patient: "L", or "LA" when oblique; parts under a quarter of the largest are left out. */
export function orientationLetters(direction: Vec3): string {
  const parts = direction
    .map((part, axis) => ({ size: Math.abs(part), letter: LETTERS[axis]?.[part >= 0 ? 0 : 1] ?? "" }))
    .sort((a, b) => b.size - a.size);
  const largest = parts[0]?.size ?? 0;
  return largest === 0 ? "" : parts.filter(({ size }) => size > 0.25 * largest).map(({ letter }) => letter).join("");
}

const PERMUTATIONS: readonly (readonly [Axis, Axis, Axis])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** For the world axes x, y, z the grid axis that runs along each; every grid axis is used once. */
export function axesAlongWorld(affineLps: readonly number[]): readonly [Axis, Axis, Axis] {
  const directions = ([0, 1, 2] as const).map((axis) => unit(stepOf(affineLps, axis)));
  const fit = (order: readonly Axis[]): number =>
    order.reduce<number>((sum, axis, world) => sum + Math.abs(directions[axis]?.[world] ?? 0), 0);
  return PERMUTATIONS.reduce((best, order) => (fit(order) > fit(best) + 1e-9 ? order : best));
}

/** A round length that takes at most this many millimetres: 1, 2 or 5 times a power of ten. */
export function scaleBarLength(most_mm: number): number {
  const power = 10 ** Math.floor(Math.log10(most_mm));
  const step = [5, 2, 1].find((each) => each * power <= most_mm) ?? 1;
  return step * power;
}
