/** What the image shows in a cell where it disagrees with the report. Knows no page. */

import { IMAGE_DISAGREES, isPositive, nameOfValue, valueNamed } from "./codes";
import type { ValueCode } from "./codes";
import { hasImageDisagrees, noteOf, withNote } from "./state";
import type { ReadingState } from "./state";
import type { CellNote } from "./types";

const LIKELY_WHEN_POSITIVE: readonly ValueCode[] = ["0", "+", "?", "~", "."];
const LIKELY_ELSE: readonly ValueCode[] = ["+", "?", "0", "~", "."];

/** What the image shows; null when the reader did not say, or does not disagree. */
export function imageValueOf(note: CellNote | undefined): ValueCode | null {
  return hasImageDisagrees(note) ? valueNamed(note?.image_value) : null;
}

/** The values that the image may show instead of `code`, the likeliest first. */
export function imageChoices(code: string): ValueCode[] {
  return (isPositive(code) ? LIKELY_WHEN_POSITIVE : LIKELY_ELSE).filter((value) => value !== code);
}

/** Says what the image shows, and with that that it disagrees; null leaves the flag alone. */
export function setImageValue(state: ReadingState, key: string, value: ValueCode | null): ReadingState {
  const { image_value: _old, flags = [], ...rest } = noteOf(state, key);
  const flagged = flags.includes(IMAGE_DISAGREES) || value === null ? flags : [...flags, IMAGE_DISAGREES];
  const shown = value === null ? {} : { image_value: nameOfValue(value) };
  return withNote(state, key, { ...rest, ...(flagged.length > 0 ? { flags: flagged } : {}), ...shown });
}

/** The next value that the image may show, after the last one none. */
export function cycleImageValue(state: ReadingState, index: number, key: string): ReadingState {
  const choices = imageChoices(state.labels.values.charAt(index));
  const now = imageValueOf(noteOf(state, key));
  return setImageValue(state, key, choices[now === null ? 0 : choices.indexOf(now) + 1] ?? null);
}
