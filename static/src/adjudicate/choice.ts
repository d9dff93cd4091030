/** What a key means for the decision about one cell. Knows no page. */

import { NO_URGENCY, isPositive } from "../read/codes";
import type { ValueCode } from "../read/codes";
import type { Span } from "../read/types";
import type { DisputedCell, Verdict, Voice } from "./types";

/** What was chosen for the cell on the screen before its decision is sent. */
export interface Chosen {
  readonly value: ValueCode | null;
  readonly urgency: string | null;
  readonly reason: string | null;
  readonly note: string;
  readonly evidence: readonly Span[];
}

export const NOTHING_CHOSEN: Chosen = { value: null, urgency: null, reason: null, note: "", evidence: [] };

/** Whether a positive value needs an urgency from a person: the voices give several. */
export function needsUrgency(cell: DisputedCell, value: ValueCode, chosen: Chosen, hasUrgency: boolean): boolean {
  if (!hasUrgency || !isPositive(value) || chosen.urgency !== null || cell.urgency !== "") return false;
  return cell.voices.some((voice) => isPositive(voice.value) && voice.urgency !== NO_URGENCY);
}

/** The decision that a value makes of what was chosen; null while an urgency is wanted. */
export function verdictOf(cell: DisputedCell, value: ValueCode, chosen: Chosen, hasUrgency: boolean): Verdict | null {
  if (needsUrgency(cell, value, chosen, hasUrgency)) return null;
  const urgency = hasUrgency && isPositive(value) ? (chosen.urgency ?? (cell.urgency || NO_URGENCY)) : NO_URGENCY;
  return { value, urgency, reason: chosen.reason ?? cell.reasons[value], note: chosen.note.trim(), evidence: chosen.evidence };
}

/** The value that an urgency alone decides: the one waiting for it, or the one on which all voices agree. */
export function valueForUrgency(cell: DisputedCell, chosen: Chosen): ValueCode | null {
  if (chosen.value !== null) return isPositive(chosen.value) ? chosen.value : null;
  const [first, ...others] = cell.voices;
  if (cell.kind !== "urgency" || !first || others.some((voice) => voice.value !== first.value)) return null;
  return isPositive(first.value) ? (first.value as ValueCode) : null;
}

/** Position of the next open cell from `from` on, from the start behind the last; null when all are decided. */
export function nextOpen(cells: readonly DisputedCell[], from: number): number | null {
  const places = cells.map((_, place) => (from + place) % cells.length);
  return places.find((place) => cells[place]?.decision === null) ?? null;
}

/** The letter of the first voice before `voice` that cites the very same places; null for none, and without evidence. */
export function sameEvidence(voices: readonly Voice[], voice: Voice): string | null {
  const cited = JSON.stringify(voice.evidence);
  const first = voices.find((other) => JSON.stringify(other.evidence) === cited);
  return voice.evidence.length === 0 || first === undefined || first === voice ? null : first.letter;
}
