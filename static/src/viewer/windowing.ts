/** Grey-scale windows: presets by modality, and what a drag does. Windows are in the units of the series. */

export interface Window {
  readonly center: number;
  readonly width: number;
}

export interface Preset {
  readonly number: number;
  readonly name: string;
  /** What the picture must be asked for; a plain window needs nothing. */
  readonly window: Window | "default" | { readonly low: number; readonly high: number };
}

/** Widths and centres in HU as commonly taught for reading CT. */
const CT: readonly Preset[] = [
  { number: 0, name: "default", window: "default" },
  { number: 1, name: "abdomen", window: { center: 40, width: 400 } },
  { number: 2, name: "liver", window: { center: 60, width: 160 } },
  { number: 3, name: "bone", window: { center: 400, width: 1800 } },
  { number: 4, name: "lung", window: { center: -600, width: 1500 } },
  { number: 5, name: "brain", window: { center: 40, width: 80 } },
];

/** MR values have no scale of their own: windows between two fractions of the values of the picture. */
const RELATIVE: readonly Preset[] = [
  { number: 0, name: "default", window: "default" },
  { number: 1, name: "auto", window: { low: 0.01, high: 0.995 } },
  { number: 2, name: "wide", window: { low: 0, high: 1 } },
  { number: 3, name: "narrow", window: { low: 0.1, high: 0.95 } },
];

export function presetsFor(units: "HU" | "stored"): readonly Preset[] {
  return units === "HU" ? CT : RELATIVE;
}

/** The values below which these fractions of the voxels lie. Reads at most about 20,000 of them. */
export function quantiles(values: ArrayLike<number>, fractions: readonly number[]): number[] {
  const step = Math.max(1, Math.floor(values.length / 20_000));
  const sample: number[] = [];
  for (let position = 0; position < values.length; position += step) {
    const value = values[position] ?? 0;
    if (Number.isFinite(value)) sample.push(value);
  }
  sample.sort((a, b) => a - b);
  return fractions.map((fraction) => sample[Math.round(fraction * (sample.length - 1))] ?? 0);
}

export function windowBetween(low: number, high: number): Window {
  const width = Math.max(high - low, Number.EPSILON);
  return { center: low + width / 2, width };
}

export function presetWindow(preset: Preset, defaults: Window, values: ArrayLike<number> | null): Window {
  const { window } = preset;
  if (window === "default") return defaults;
  if ("center" in window) return window;
  if (!values || values.length === 0) return defaults;
  const [low, high] = quantiles(values, [window.low, window.high]);
  return windowBetween(low ?? 0, high ?? 1);
}

/** A drag over a whole pane of 512 pixels doubles or halves the width; centre moves by the width. */
export function dragWindow(start: Window, dx_px: number, dy_px: number): Window {
  return {
    width: Math.max(start.width * 2 ** (dx_px / 256), 1e-3),
    center: start.center + (dy_px / 512) * start.width,
  };
}

const rounded = (value: number): string =>
  (Math.abs(value) >= 10 || Number.isInteger(value) ? Math.round(value) : Number(value.toPrecision(2))).toLocaleString();

export function windowText(window: Window): string {
  return `W ${rounded(window.width)} L ${rounded(window.center)}`;
}

/** The values drawn black and white: DICOM PS3.3 C.11.2.1.2, whose 1 is the step between values, far less than 1 for fractions. */
export function voiRange({ center, width }: Window, step = 1): { lower: number; upper: number } {
  const one = Math.min(1, step);
  const half = Math.max(width - one, width / 2) / 2;
  return { lower: center - one / 2 - half, upper: center - one / 2 + half };
}
