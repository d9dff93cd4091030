/** The reading page: one state, the views that show it, and what each command does to it. */

import { byId, replaceChildren, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { attentionOf, nextAttention } from "./attention";
import type { Attention } from "./attention";
import type { Conflict } from "./autosave";
import { codeInfo, isPositive } from "./codes";
import { EvidenceMap } from "./evidence";
import type { Command, Pane } from "./keys";
import { SchemaTable } from "./schema";
import { CaseSession } from "./session";
import * as reading from "./state";
import type { ReadingState } from "./state";
import { Submitting } from "./submitting";
import type { CasePayload, SchemaData } from "./types";
import { createAttention } from "./view/attention";
import { createCard } from "./view/card";
import type { CardView } from "./view/card";
import { openConflictDialog } from "./view/conflictDialog";
import { cellLabel, createGrid } from "./view/grid";
import { openKeysDialog } from "./view/keysDialog";
import { createReport } from "./view/report";
import type { ReportView } from "./view/report";
import { createStatus } from "./view/status";

const PANES: Readonly<Record<Pane, string>> = { report: "report-pane", cells: "cells-pane", image: "image-pane" };

export class ReadingPage {
  readonly schema: SchemaTable;
  readonly status;
  session: CaseSession;
  state: ReadingState;
  attention: Attention;
  pendingColumn = false;
  private readonly user: string;
  private readonly grid;
  private readonly attentionList;
  private readonly submitting: Submitting;
  private evidence: EvidenceMap;
  private report: ReportView;
  private card: CardView;
  private sentence: number | null = null;
  private shownMs = 0;

  constructor(schemaData: SchemaData, payload: CasePayload, user: string) {
    this.schema = new SchemaTable(schemaData);
    this.user = user;
    this.status = createStatus({
      save: () => this.resolveProblem(),
      submit: () => this.run({ do: "submit" }),
      help: () => this.run({ do: "help" }),
    });
    this.grid = createGrid(this.schema, (index) => this.focusCell(index));
    this.attentionList = createAttention(this.schema, (index) => this.focusCell(index));
    this.submitting = new Submitting(this);
    replaceChildren(byId("grid-place"), [this.grid.element]);
    replaceChildren(byId("attention-place"), [this.attentionList.element]);
    // What `showCase` sets is set here too, so that no field is ever undefined.
    this.session = this.openSession(payload);
    this.state = this.session.startState;
    this.attention = attentionOf(this.state.labels, this.schema);
    this.evidence = this.evidenceOf(payload);
    this.report = this.openReport();
    this.card = this.openCard(payload);
    this.begin();
  }

  /** Puts another case on the screen. */
  showCase(payload: CasePayload): void {
    this.session = this.openSession(payload);
    this.state = this.session.startState;
    this.evidence = this.evidenceOf(payload);
    this.report = this.openReport();
    this.card = this.openCard(payload);
    this.begin();
  }

  get isSettling(): boolean {
    return performance.now() - this.shownMs < 450;
  }

  run(command: Command): void {
    const wasPending = this.pendingColumn;
    this.pendingColumn = false;
    this.dispatch(command);
    if (wasPending !== this.pendingColumn) this.render();
  }

  private dispatch(command: Command): void {
    const { state, schema } = this;
    const index = state.focus;
    const { key } = schema.place(index);
    switch (command.do) {
      case "value":
        return this.apply(reading.setValue(state, index, command.code));
      case "cycle":
        return this.apply(reading.cycleValue(state, index));
      case "revert":
        return this.apply(reading.revertCell(state, index, key));
      case "urgency":
        if (this.mayHaveUrgency()) this.apply(reading.setUrgency(state, index, command.level));
        return;
      case "urgency-step":
        if (this.mayHaveUrgency()) {
          this.apply(reading.stepUrgency(state, index, command.by, schema.data.urgency_levels.length));
        }
        return;
      case "disagrees":
        return this.apply(reading.toggleImageDisagrees(state, key));
      case "comment":
        return this.card.comment.focus();
      case "undo":
        return this.travel(reading.undo(state), "Nothing to undo");
      case "redo":
        return this.travel(reading.redo(state), "Nothing to redo");
      case "move":
        return this.focusCell(reading.moveFocus(state, schema, command.rows, command.columns).focus);
      case "edge":
        return this.toEdge(command.where);
      case "row":
        this.pendingColumn = true;
        return this.focusCell(schema.nearestInRow(command.row, schema.place(index).column), true);
      case "column":
        return this.toColumn(command.column);
      case "attention":
        return this.toAttention(command.by);
      case "evidence":
        return this.toEvidence(command.by);
      case "sentence":
        return this.toSentence(command.by);
      case "sentence-cell":
        return this.pickSentence(this.sentence);
      case "submit":
        return this.submitting.begin();
      case "help":
        openKeysDialog(schema, () => this.dialogClosed());
        return;
      case "pane":
        return this.nextPane();
      case "cancel":
        this.showSentence(null);
        return this.focusCell(index);
      case "worklist":
        void this.leave(byId("worklist-link").getAttribute("href") ?? "/");
    }
  }

  /** Takes over new labels, shows them and saves them. */
  apply(next: ReadingState): void {
    if (next === this.state) return;
    const { labels } = this.state;
    this.state = next;
    this.render();
    if (next.labels !== labels) {
      this.session.autosave.change(next.labels);
      const clashes = new Set(this.attention.contradictions.flatMap(({ cells }) => cells));
      setText(byId("announcer"), cellLabel(next, this.schema, next.focus, clashes));
    }
  }

  focusCell(index: number | null, keepPending = false): void {
    if (index === null) return;
    this.pendingColumn = keepPending;
    const isNewRow = this.schema.place(index).row !== this.schema.place(this.state.focus).row;
    if (isNewRow) this.sentence = null;
    this.state = reading.focusOn(this.state, index);
    this.render();
    if (isNewRow) this.report.showSentence(null);
    this.grid.focusCell(index);
  }

  setComment(text: string): void {
    this.apply(reading.setComment(this.state, this.schema.place(this.state.focus).key, text));
  }

  /** Asked of the page itself: the close event comes later than the closing, and a quick key between them counts. */
  get hasDialog(): boolean {
    return document.querySelector("dialog[open]") !== null;
  }

  dialogClosed(): void {
    if (!this.hasDialog) this.grid.focusCell(this.state.focus);
  }

  openConflict(conflict: Conflict): void {
    if (this.hasDialog) return;
    openConflictDialog(conflict, this.schema, {
      resolve: (merged) => {
        this.session.autosave.resolve(merged);
        this.state = reading.withLabels(this.state, merged);
        this.render();
        toast("Both versions are merged and saved.", { tone: "good" });
      },
      close: () => this.dialogClosed(),
    });
  }

  /** Goes to another page once everything is saved; when that takes too long the browser asks. */
  async leave(href: string): Promise<void> {
    const { autosave } = this.session;
    autosave.flush();
    for (let waited = 0; autosave.isUnsafe && waited < 1500; waited += 50) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (autosave.status.kind === "waiting") autosave.flush();
    }
    window.location.assign(href);
  }

  render(): void {
    const { state, schema } = this;
    this.attention = attentionOf(state.labels, schema);
    const span = this.sentence === null ? undefined : this.evidence.report.sentences[this.sentence];
    const linked = new Set(span ? this.evidence.cellsAt(...span) : []);
    this.grid.update(state, this.attention, { pendingColumn: this.pendingColumn, linked });
    this.report.update(state);
    this.card.update(state, this.report.quote(state.focus));
    this.attentionList.update(this.attention);
    this.status.showCounts(state.prefill ? reading.changedCount(state, schema) : null, this.attention);
  }

  private openSession(payload: CasePayload): CaseSession {
    return new CaseSession(payload, this.schema, this.user, {
      onStatus: (status) => this.status.showSave(status, performance.now()),
      onConflict: (conflict) => this.openConflict(conflict),
      onTheirs: (labels) => {
        this.state = reading.withLabels(this.state, labels);
        this.render();
        toast("Another window saved changes to this case; they are shown now.");
      },
    });
  }

  private evidenceOf(payload: CasePayload): EvidenceMap {
    return new EvidenceMap(payload.report, this.schema, payload.prefill?.cells ?? {});
  }

  private openReport(): ReportView {
    return createReport(this.evidence, this.schema, (_, sentence) => this.pickSentence(sentence));
  }

  private openCard(payload: CasePayload): CardView {
    return createCard(this.schema, payload.prefill, {
      run: (command) => this.run(command),
      onComment: (text) => this.setComment(text),
    });
  }

  private begin(): void {
    this.sentence = null;
    this.pendingColumn = false;
    replaceChildren(byId("report-place"), [this.report.element]);
    replaceChildren(byId("card-place"), [this.card.element]);
    byId("report-place").scrollTop = 0;
    this.status.showCase(this.session.payload);
    this.status.showSave(this.session.autosave.status, performance.now());
    this.status.showTime(this.session.activeSeconds);
    this.status.showBusy(false);
    this.render();
    byId("report-place").scrollTop = 0;
    this.grid.focusCell(this.state.focus);
    this.shownMs = performance.now();
    this.session.begin();
    if (this.session.restored) toast("Changes that could not be saved before are back.", { tone: "warn" });
  }

  private travel(next: ReadingState, nothing: string): void {
    if (next === this.state) toast(nothing);
    else {
      this.apply(next);
      this.grid.focusCell(next.focus);
    }
  }

  private mayHaveUrgency(): boolean {
    const { state, schema } = this;
    if (!schema.hasUrgency(state.focus)) toast(`${schema.findingName(state.focus)} has no urgency.`);
    else if (!isPositive(state.labels.values.charAt(state.focus))) {
      const now = codeInfo(state.labels.values.charAt(state.focus)).says;
      toast(`Urgency needs a present or possible finding; this one is ${now}. Press 1 or 2 first.`, { tone: "warn" });
    } else return true;
    return false;
  }

  private toEdge(where: "row-start" | "row-end" | "first" | "last"): void {
    const inRow = this.schema.cellsOfRow(this.schema.place(this.state.focus).row);
    const first = this.schema.cellsOfRow(0);
    const last = this.schema.cellsOfRow(this.schema.rows - 1);
    const cell = { "row-start": inRow[0], "row-end": inRow.at(-1), first: first[0], last: last.at(-1) }[where];
    this.focusCell(cell ?? null);
  }

  private toColumn(column: number): void {
    const { row } = this.schema.place(this.state.focus);
    const index = this.schema.at(row, column);
    if (index !== null) this.focusCell(index);
    else toast(`${this.schema.targetTitle(this.state.focus)} has no cell for ${this.schema.data.findings[column]?.name}.`);
  }

  private toAttention(by: 1 | -1): void {
    const index = nextAttention(this.attention, this.schema, this.state.focus, by);
    if (index === null) toast("No cell needs you: Ctrl Enter submits.", { tone: "good" });
    else this.focusCell(index);
  }

  private toEvidence(by: 1 | -1): void {
    const { row } = this.schema.place(this.state.focus);
    const ofTarget = this.evidence.sentencesOf(this.schema.cellsOfRow(row));
    const ofCell = this.evidence.sentencesOf([this.state.focus]);
    if (ofTarget.length === 0) return toast(`No sentence was found for ${this.schema.targetTitle(this.state.focus)}.`);
    const at = this.sentence === null ? -1 : ofTarget.indexOf(this.sentence);
    const start = by === 1 ? (ofCell[0] ?? ofTarget[0]) : (ofCell.at(-1) ?? ofTarget.at(-1));
    const next = at < 0 ? start : ofTarget[(at + by + ofTarget.length) % ofTarget.length];
    this.showSentence(next ?? null);
  }

  private toSentence(by: 1 | -1): void {
    const count = this.evidence.report.sentences.length;
    if (count === 0) return;
    const from = this.sentence ?? (by === 1 ? -1 : count);
    this.showSentence(Math.max(0, Math.min(count - 1, from + by)));
  }

  /** Rings a sentence and goes to the first cell that it supports, or to the next of them when already on one. */
  private pickSentence(sentence: number | null): void {
    const span = sentence === null ? undefined : this.evidence.report.sentences[sentence];
    if (!span) return;
    const cells = this.evidence.cellsAt(...span);
    if (cells.length === 0) toast("No cell is based on this sentence.");
    else this.focusCell(cells[(cells.indexOf(this.state.focus) + 1) % cells.length] ?? null);
    this.showSentence(sentence);
  }

  private showSentence(sentence: number | null): void {
    this.sentence = sentence;
    this.render();
    this.report.showSentence(sentence);
  }

  private nextPane(): void {
    const open = (["report", "cells", "image"] as const).filter((pane) => !byId(PANES[pane]).hidden);
    const next = open[(open.indexOf(paneOf(document.activeElement)) + 1) % open.length] ?? "cells";
    if (next === "cells") this.grid.focusCell(this.state.focus);
    else if (next === "report") byId("report-place").focus();
    else byId(PANES.image).focus();
  }

  private resolveProblem(): void {
    const open = this.session.autosave.openConflict;
    if (open) this.openConflict(open);
    else this.session.autosave.retryNow();
  }
}

/** The pane whose keys are in force. Everything that is in no pane counts as the cells. */
export function paneOf(element: Element | null): Pane {
  if (element?.closest(`#${PANES.report}`)) return "report";
  return element?.closest(`#${PANES.image}`) ? "image" : "cells";
}
