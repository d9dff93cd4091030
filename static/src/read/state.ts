/** The reading as the reader sees it: immutable, so that undo is a list of earlier states. Knows no page. */

import { IMAGE_DISAGREES, NO_URGENCY, UNDECIDED, UNREADABLE, VALUE_CODES, isPositive, isValue, urgencyCode, urgencyOf } from "./codes";
import type { ValueCode } from "./codes";
import type { SchemaTable } from "./schema";
import type { Measurement } from "../viewer/types";
import type { CaseNote, CasePayload, CellNote, LabelBody, Labels } from "./types";

const UNDO_STEPS = 500;
/** One list, since views compare by identity. */
const NO_MEASUREMENTS: readonly Measurement[] = [];

interface Step {
  readonly labels: Labels;
  readonly focus: number;
  /** Typing in one comment is one step; edits with the same tag are joined. */
  readonly tag: string | null;
}

export interface ReadingState {
  readonly labels: Labels;
  /** What the machine filled in; null when the reader started from a blank form. */
  readonly prefill: Labels | null;
  readonly focus: number;
  readonly undo: readonly Step[];
  readonly redo: readonly Step[];
}

export function blankLabels(size: number): Labels {
  return { values: UNDECIDED.repeat(size), urgencies: NO_URGENCY.repeat(size), body: { cells: {} } };
}

/** What to show first: the draft, else the last submitted reading, else the machine's labels, else a blank form. */
export function startState(payload: CasePayload, schema: SchemaTable): ReadingState {
  const prefill = payload.prefill
    ? { values: payload.prefill.values, urgencies: payload.prefill.urgencies, body: { cells: {} } }
    : null;
  const source = payload.draft ?? payload.reading ?? prefill ?? blankLabels(schema.size);
  const labels = checked(source, schema);
  return { labels, prefill: prefill && checked(prefill, schema), focus: 0, undo: [], redo: [] };
}

function checked(labels: Labels, schema: SchemaTable): Labels {
  if (labels.values.length !== schema.size || labels.urgencies.length !== schema.size) {
    throw new Error(
      `schema ${schema.data.name} has ${schema.size} cells, the server sent ${labels.values.length} values and ` +
        `${labels.urgencies.length} urgencies`,
    );
  }
  return { values: labels.values, urgencies: labels.urgencies, body: bodyOf(labels.body) };
}

/** A body in the one way of writing it: what is empty is absent, and a reason for skipping is not part of a reading. */
export function bodyOf(body: LabelBody): LabelBody {
  const { comment, flagged } = body.case ?? {};
  const note: CaseNote = { ...(comment ? { comment } : {}), ...(flagged ? { flagged } : {}) };
  return {
    cells: body.cells,
    ...(Object.keys(note).length > 0 ? { case: note } : {}),
    ...(body.measurements && body.measurements.length > 0 ? { measurements: body.measurements } : {}),
  };
}

function put(text: string, index: number, code: string): string {
  return text.slice(0, index) + code + text.slice(index + 1);
}

function isSameNote(one: CellNote | undefined, other: CellNote | undefined): boolean {
  if (one === other) return true;
  return canonical(one ?? {}) === canonical(other ?? {});
}

/** One text for equal JSON, whatever the order of keys, which a database may change. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

export function isSameCell(one: Labels, other: Labels, index: number, key: string): boolean {
  return (
    one.values.charAt(index) === other.values.charAt(index) &&
    one.urgencies.charAt(index) === other.urgencies.charAt(index) &&
    isSameNote(one.body.cells[key], other.body.cells[key])
  );
}

/** The parts of a body that belong to the whole case. */
export type CasePart = "case" | "measurements";

export function isSamePart(one: Labels, other: Labels, part: CasePart): boolean {
  const [mine, theirs] = [bodyOf(one.body)[part], bodyOf(other.body)[part]];
  return mine === theirs || canonical(mine ?? null) === canonical(theirs ?? null);
}

export function isSameLabels(one: Labels, other: Labels): boolean {
  if (one === other) return true;
  if (one.values !== other.values || one.urgencies !== other.urgencies) return false;
  if (!isSamePart(one, other, "case") || !isSamePart(one, other, "measurements")) return false;
  const keys = new Set([...Object.keys(one.body.cells), ...Object.keys(other.body.cells)]);
  return [...keys].every((key) => isSameNote(one.body.cells[key], other.body.cells[key]));
}

/** `state` with other labels and the old ones on the undo list; the same state when nothing changed. */
export function withLabels(state: ReadingState, labels: Labels, tag: string | null = null): ReadingState {
  if (isSameLabels(state.labels, labels)) return state;
  const last = state.undo.at(-1);
  const joined = tag !== null && last?.tag === tag && last.focus === state.focus && state.redo.length === 0;
  const step: Step = { labels: state.labels, focus: state.focus, tag };
  const undo = joined ? state.undo : [...state.undo.slice(-UNDO_STEPS + 1), step];
  return { ...state, labels, undo, redo: [] };
}

/** Sets a value. A cell that is no longer positive loses its urgency, so that none is left behind by a correction. */
export function setValue(state: ReadingState, index: number, code: ValueCode): ReadingState {
  const { labels } = state;
  const urgencies = isPositive(code) ? labels.urgencies : put(labels.urgencies, index, NO_URGENCY);
  return withLabels(state, { ...labels, values: put(labels.values, index, code), urgencies });
}

export function cycleValue(state: ReadingState, index: number): ReadingState {
  const now = state.labels.values.charAt(index);
  const position = isValue(now) ? VALUE_CODES.indexOf(now) : -1;
  const next = VALUE_CODES[(position + 1) % VALUE_CODES.length];
  return next ? setValue(state, index, next) : state;
}

/** Sets or, with null, clears an urgency. Refused, by returning the same state, on a cell that is not positive. */
export function setUrgency(state: ReadingState, index: number, level: number | null): ReadingState {
  if (level !== null && !isPositive(state.labels.values.charAt(index))) return state;
  const urgencies = put(state.labels.urgencies, index, urgencyCode(level));
  return withLabels(state, { ...state.labels, urgencies });
}

/** None, 0, 1, 2, 3 and round again; `by` is 1 or -1. */
export function stepUrgency(state: ReadingState, index: number, by: 1 | -1, levels: number): ReadingState {
  const now = urgencyOf(state.labels.urgencies.charAt(index));
  const ring = levels + 1;
  const position = ((now === null ? 0 : now + 1) + by + ring) % ring;
  return setUrgency(state, index, position === 0 ? null : position - 1);
}

/** Back to what the machine said, or to undecided in a blank form. */
export function revertCell(state: ReadingState, index: number, key: string): ReadingState {
  const from = state.prefill ?? blankLabels(state.labels.values.length);
  const { [key]: _dropped, ...cells } = state.labels.body.cells;
  return withLabels(state, {
    values: put(state.labels.values, index, from.values.charAt(index)),
    urgencies: put(state.labels.urgencies, index, from.urgencies.charAt(index)),
    body: { ...state.labels.body, cells },
  });
}

export function noteOf(state: ReadingState, key: string): CellNote {
  return state.labels.body.cells[key] ?? {};
}

/** `state` with all that the reader adds to a cell; an empty note is no note. */
export function withNote(state: ReadingState, key: string, note: CellNote, tag: string | null = null): ReadingState {
  const { [key]: _old, ...others } = state.labels.body.cells;
  const cells = Object.keys(note).length > 0 ? { ...others, [key]: note } : others;
  return withLabels(state, { ...state.labels, body: { ...state.labels.body, cells } }, tag);
}

export function caseNoteOf(state: ReadingState): CaseNote {
  return state.labels.body.case ?? {};
}

/** Sets the comment on the whole case. Typing it is one step to undo. */
export function setCaseComment(state: ReadingState, comment: string): ReadingState {
  const body = bodyOf({ ...state.labels.body, case: { ...caseNoteOf(state), comment } });
  return withLabels(state, { ...state.labels, body }, "case comment");
}

export function toggleFlagged(state: ReadingState): ReadingState {
  const note = caseNoteOf(state);
  const body = bodyOf({ ...state.labels.body, case: { ...note, flagged: !note.flagged } });
  return withLabels(state, { ...state.labels, body });
}

export function measurementsOf(state: ReadingState): readonly Measurement[] {
  return state.labels.body.measurements ?? NO_MEASUREMENTS;
}

export function setMeasurements(state: ReadingState, measurements: readonly Measurement[]): ReadingState {
  return withLabels(state, { ...state.labels, body: bodyOf({ ...state.labels.body, measurements }) });
}

export function setComment(state: ReadingState, key: string, comment: string): ReadingState {
  const { comment: _old, ...rest } = noteOf(state, key);
  return withNote(state, key, comment ? { ...rest, comment } : rest, `comment ${key}`);
}

export function toggleImageDisagrees(state: ReadingState, key: string): ReadingState {
  const note = noteOf(state, key);
  const { flags = [], image_value: _shown, ...rest } = note;
  const others = flags.filter((flag) => flag !== IMAGE_DISAGREES);
  const next = hasImageDisagrees(note) ? others : [...others, IMAGE_DISAGREES];
  return withNote(state, key, next.length > 0 ? { ...rest, flags: next } : rest, null);
}

export function hasImageDisagrees(note: CellNote | undefined): boolean {
  return note?.flags?.includes(IMAGE_DISAGREES) ?? false;
}

/** Records every undecided cell as not mentioned; unreadable ones stay, since each needs its own decision. */
export function settleUndecided(state: ReadingState): ReadingState {
  return withLabels(state, { ...state.labels, values: state.labels.values.replaceAll(UNDECIDED, ".") });
}

export function undo(state: ReadingState): ReadingState {
  const step = state.undo.at(-1);
  if (!step) return state;
  const back: Step = { labels: state.labels, focus: state.focus, tag: step.tag };
  return { ...state, labels: step.labels, focus: step.focus, undo: state.undo.slice(0, -1), redo: [...state.redo, back] };
}

export function redo(state: ReadingState): ReadingState {
  const step = state.redo.at(-1);
  if (!step) return state;
  const back: Step = { labels: state.labels, focus: step.focus, tag: step.tag };
  return { ...state, labels: step.labels, focus: step.focus, undo: [...state.undo, back], redo: state.redo.slice(0, -1) };
}

export function focusOn(state: ReadingState, index: number): ReadingState {
  return index === state.focus ? state : { ...state, focus: index };
}

/** Moves by rows and columns over cells that the schema lacks, and stops at the edge. */
export function moveFocus(state: ReadingState, schema: SchemaTable, rows: number, columns: number): ReadingState {
  const from = schema.place(state.focus);
  let row = from.row + rows;
  let column = from.column + columns;
  while (row >= 0 && row < schema.rows && column >= 0 && column < schema.columns) {
    const index = schema.at(row, column);
    if (index !== null) return focusOn(state, index);
    row += rows;
    column += columns;
  }
  if (columns === 0 && from.row + rows >= 0 && from.row + rows < schema.rows) {
    const near = schema.nearestInRow(from.row + rows, from.column);
    if (near !== null) return focusOn(state, near);
  }
  return state;
}

export function isChanged(state: ReadingState, index: number, key: string): boolean {
  return state.prefill !== null && !isSameCell(state.labels, state.prefill, index, key);
}

export function changedCount(state: ReadingState, schema: SchemaTable): number {
  return schema.cells.filter((cell) => isChanged(state, cell.index, cell.key)).length;
}

export function cellsWith(labels: Labels, code: typeof UNREADABLE | typeof UNDECIDED): number[] {
  return [...labels.values].flatMap((value, index) => (value === code ? [index] : []));
}
