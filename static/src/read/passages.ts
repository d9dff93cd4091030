/** Pieces of report text as evidence: taken from a selection, added, taken away. Offsets are code points. */

import type { CodePointText } from "./spans";
import { noteOf, withNote } from "./state";
import type { ReadingState } from "./state";
import type { Span } from "./types";

const WORD = /[\p{L}\p{M}\p{N}]/u;
const EDGE = /[\s.,;:!?)\]}·•*|–—-]/u;
const END = /[\s,;:([{·•*|–—-]/u;
/** As many as the server takes for one cell. */
export const MOST_PASSAGES = 200;

/** `span` without white space and stray marks at its ends and grown to whole words; null when no word is left. */
export function wholeWords(text: CodePointText, [from, to]: Span): Span | null {
  const at = (position: number): string => text.slice(position, position + 1);
  let start = Math.max(0, from);
  let end = Math.min(text.length, to);
  while (start < end && EDGE.test(at(start))) start += 1;
  while (end > start && END.test(at(end - 1))) end -= 1;
  if (!WORD.test(text.slice(start, end))) return null;
  while (start > 0 && isWithinWord(at, start)) start -= 1;
  while (end < text.length && isWithinWord(at, end)) end += 1;
  return [start, end];
}

/** Whether a word, or a number such as 2.1, goes on over `position`. */
function isWithinWord(at: (position: number) => string, position: number): boolean {
  const [before, after] = [at(position - 1), at(position)];
  if (WORD.test(before) && WORD.test(after)) return true;
  const isDigit = (character: string): boolean => /^[0-9]$/.test(character);
  if (before === ".") return isDigit(after) && position > 1 && isDigit(at(position - 2));
  return after === "." && isDigit(before) && isDigit(at(position + 1));
}

/** `spans` with one more, in reading order; what overlaps it becomes one with it. */
export function withPassage(spans: readonly Span[], [start, end]: Span): Span[] {
  const touching = spans.filter(([from, to]) => from <= end && start <= to);
  const others = spans.filter((span) => !touching.includes(span));
  const joined: Span = [Math.min(start, ...touching.map(([from]) => from)), Math.max(end, ...touching.map(([, to]) => to))];
  return [...others, joined].sort(inOrder);
}

/** `spans` without the words of one stretch; what is left of a piece loses the marks at its ends. */
export function withoutPassage(spans: readonly Span[], [start, end]: Span, text: CodePointText): Span[] {
  const left = spans.flatMap((span): Span[] => {
    const [from, to] = span;
    if (to <= start || end <= from) return [span];
    const rest: Span[] = [];
    if (from < start) rest.push([from, start]);
    if (end < to) rest.push([end, to]);
    return rest.flatMap((piece) => wholeWordsInside(text, piece));
  });
  return left.sort(inOrder);
}

/** A rest never grows back over what was taken away. */
function wholeWordsInside(text: CodePointText, [from, to]: Span): Span[] {
  const whole = wholeWords(text, [from, to]);
  return whole ? [[Math.max(from, whole[0]), Math.min(to, whole[1])]] : [];
}

export function isOverlapping(spans: readonly Span[], [start, end]: Span): boolean {
  return spans.some(([from, to]) => from < end && start < to);
}

function inOrder(one: Span, other: Span): number {
  return one[0] - other[0] || one[1] - other[1];
}

/** Sets the reader's evidence of a cell. What is the same as the machine's is nothing of the reader's own. */
export function setEvidence(state: ReadingState, key: string, spans: readonly Span[], machine: readonly Span[]): ReadingState {
  const { evidence: _old, ...rest } = noteOf(state, key);
  const sorted = [...machine].sort(inOrder);
  const isMachines = spans.length === sorted.length && spans.every(([from, to], place) => from === sorted[place]?.[0] && to === sorted[place]?.[1]);
  return withNote(state, key, isMachines ? rest : { ...rest, evidence: spans });
}
