/** What is measured in a picture. Lengths are in millimetres, areas in square millimetres, values in series units. */

import { distance } from "./geometry";
import { toPixel } from "./plane";
import type { Placement } from "./plane";
import type { MeasurementStats, Vec3 } from "./types";

/** Value of the pixel, or null where it has none (yet). */
export type PixelValue = (column: number, row: number) => number | null;

export function lengthStats(ends: readonly [Vec3, Vec3], units: "HU" | "stored"): MeasurementStats {
  return { units, length_mm: distance(ends[0], ends[1]) };
}

export function probeStats(point: Vec3, placement: Placement, valueOf: PixelValue, units: "HU" | "stored"): MeasurementStats {
  const [column, row] = toPixel(point, placement).map(Math.round) as [number, number];
  const value = valueOf(column, row);
  return value === null ? { units } : { units, value };
}

interface Ellipse {
  readonly centre: Vec3;
  readonly ends: readonly [Vec3, Vec3];
}

/**
 * Mean, standard deviation (of the population), least and greatest value of the pixels whose centres lie inside. An
 * ellipse too small to hold a centre counts the pixel that it lies in.
 */
export function ellipseStats(
  { centre, ends }: Ellipse,
  placement: Placement,
  valueOf: PixelValue,
  units: "HU" | "stored",
): MeasurementStats {
  const [column, row] = toPixel(centre, placement);
  const halves = ends.map((end) => {
    const [x, y] = toPixel(end, placement);
    return [x - column, y - row] as const;
  });
  const [[ax, ay], [bx, by]] = halves as unknown as readonly [readonly [number, number], readonly [number, number]];
  const determinant = ax * by - ay * bx;
  const area_mm2 = Math.PI * distance(centre, ends[0]) * distance(centre, ends[1]);
  const values: number[] = [];
  // A flat ellipse holds no centre; the loops below are then empty.
  const reachX = determinant === 0 ? NaN : Math.hypot(ax, bx);
  const reachY = determinant === 0 ? NaN : Math.hypot(ay, by);
  for (let y = Math.ceil(row - reachY); y <= row + reachY; y += 1) {
    for (let x = Math.ceil(column - reachX); x <= column + reachX; x += 1) {
      const [dx, dy] = [x - column, y - row];
      const u = (dx * by - dy * bx) / determinant;
      const v = (ax * dy - ay * dx) / determinant;
      const value = u * u + v * v <= 1 ? valueOf(x, y) : null;
      if (value !== null) values.push(value);
    }
  }
  if (values.length === 0) {
    const value = valueOf(Math.round(column), Math.round(row));
    if (value === null) return { units, area_mm2, n_voxels: 0 };
    values.push(value);
  }
  return { units, area_mm2, ...summary(values) };
}

function summary(values: readonly number[]): Pick<MeasurementStats, "mean" | "sd" | "min" | "max" | "n_voxels"> {
  let [sum, min, max] = [0, Infinity, -Infinity];
  for (const value of values) {
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / values.length;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
  return { mean, sd: Math.sqrt(variance), min, max, n_voxels: values.length };
}

const number = (value: number, digits: number): string =>
  value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** The lines written beside a measurement. */
export function statsText(stats: MeasurementStats): readonly string[] {
  const unit = stats.units === "HU" ? " HU" : "";
  const digits = stats.units === "HU" ? 0 : 1;
  const lines: string[] = [];
  if (stats.length_mm !== undefined) lines.push(`${number(stats.length_mm, 1)} mm`);
  if (stats.value !== undefined) lines.push(`${number(stats.value, Number.isInteger(stats.value) ? 0 : 2)}${unit}`);
  if (stats.mean !== undefined) lines.push(`mean ${number(stats.mean, 1)}${unit} · sd ${number(stats.sd ?? 0, 1)}`);
  if (stats.min !== undefined) lines.push(`${number(stats.min, digits)} to ${number(stats.max ?? stats.min, digits)}${unit}`);
  if (stats.area_mm2 !== undefined) lines.push(`${number(stats.area_mm2, 0)} mm² · ${stats.n_voxels ?? 0} voxels`);
  return lines;
}
