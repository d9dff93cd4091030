/** What several labelers say of one cell, where they differ, and taking over what one says. Knows no page. */

import { NO_URGENCY, UNDECIDED, UNREADABLE, codeInfo, isPositive, isValue, urgencyOf } from "./codes";
import type { StateCode } from "./codes";
import { MOST_PASSAGES, setEvidence, withPassage } from "./passages";
import { setUrgency, setValue, withLabels } from "./state";
import type { ReadingState } from "./state";
import type { MachineCell, OtherRun, Span } from "./types";

/** What one run says of one cell. */
export interface Saying {
  readonly run: OtherRun;
  readonly code: StateCode;
  readonly urgency: number | null;
  readonly cell: MachineCell;
}

/** What runs say of a cell: those that were asked, those that differ from the pre-fill first. */
export interface Sayings {
  readonly asked: readonly Saying[];
  readonly nNotAsked: number;
  /** What all of them say, and the pre-fill too, where none has found anything; null elsewhere. */
  readonly allSay: string | null;
}

/** Beside what the reader says: `near` is absent beside not mentioned, or the same value with another urgency. */
export type Agreement = "same" | "near" | "differs";

const NOTHING: MachineCell = {};

export function sayingsOf(runs: readonly OtherRun[], index: number, key: string, prefilled: string): Sayings {
  const all = runs.map((run) => ({
    run,
    code: codeInfo(run.values.charAt(index)).code,
    urgency: urgencyOf(run.urgencies.charAt(index)),
    cell: run.cells[key] ?? NOTHING,
  }));
  const asked = all.filter(({ code }) => code !== UNDECIDED);
  const rank = ({ code }: Saying): number => (code === prefilled ? 2 : isNear(code, prefilled) ? 1 : 0);
  return {
    asked: asked.sort((one, other) => rank(one) - rank(other)),
    nNotAsked: all.length - asked.length,
    allSay: nothingFound([prefilled, ...asked.map(({ code }) => code)]),
  };
}

function nothingFound(codes: readonly string[]): string | null {
  if (!codes.every(isNoFinding)) return null;
  const [first = "", ...others] = new Set(codes);
  return others.length > 0 ? "absent or not mentioned" : saysText(first);
}

export function isNoFinding(code: string): boolean {
  return code === "0" || code === ".";
}

function isNear(one: string, other: string): boolean {
  return isNoFinding(one) && isNoFinding(other);
}

/** Null where there is nothing to compare: an answer that cannot be read, or a cell that is not decided. */
export function agreementOf({ code, urgency }: Saying, value: string, readersUrgency: string): Agreement | null {
  if (!isValue(code) || !isValue(value)) return null;
  if (code !== value) return isNear(code, value) ? "near" : "differs";
  const isSame = urgency === null || readersUrgency === NO_URGENCY || urgency === urgencyOf(readersUrgency);
  return isSame || !isPositive(value) ? "same" : "near";
}

/** Cells on which runs differ in their value. Absent and not mentioned count as one: some labelers know only one of them. */
export function differingCells(vectors: readonly string[]): Set<number> {
  const [first = ""] = vectors;
  const found = new Set<number>();
  for (let index = 0; index < first.length; index += 1) {
    const said = vectors.map((values) => values.charAt(index)).filter(isValue);
    if (new Set(said.map((code) => (isNoFinding(code) ? "0" : code))).size > 1) found.add(index);
  }
  return found;
}

export interface Score {
  readonly text: string;
  /** In full. */
  readonly title: string;
}

/** The scores behind an answer; none where the labeler gives none. */
export function scoresOf({ probability, logit_difference: difference }: MachineCell): Score[] {
  const scores: Score[] = [];
  if (probability !== undefined && probability !== null) {
    scores.push({ text: probabilityText(probability), title: `probability ${probability}` });
  }
  if (difference !== undefined && difference !== null) {
    const sign = difference < 0 ? "−" : "+";
    scores.push({ text: `logit ${sign}${Math.abs(difference).toFixed(2)}`, title: `difference of the logits of yes and no: ${difference}` });
  }
  return scores;
}

/** Never 0.00 or 1.00 for what is only near to it. */
function probabilityText(probability: number): string {
  if (probability > 0 && probability < 0.005) return "<0.01";
  if (probability < 1 && probability >= 0.995) return ">0.99";
  return probability.toFixed(2);
}

export function saysText(code: string): string {
  if (code === UNREADABLE) return "answer not readable";
  return code === UNDECIDED ? "not asked" : codeInfo(code).says;
}

/**
 * Value, urgency and evidence of a run as the reader's own, in one step to undo. What the run leaves open, an urgency or
 * any words, stays as it is. The same state when there is nothing to take.
 */
export function takeOver(state: ReadingState, index: number, key: string, saying: Saying, machine: readonly Span[]): ReadingState {
  if (!isValue(saying.code)) return state;
  let next = setValue(state, index, saying.code);
  if (saying.urgency !== null) next = setUrgency(next, index, saying.urgency);
  const spans = (saying.cell.evidence ?? []).reduce<Span[]>((joined, span) => withPassage(joined, span), []);
  if (spans.length > 0 && spans.length <= MOST_PASSAGES) next = setEvidence(next, key, spans, machine);
  return withLabels(state, next.labels);
}
