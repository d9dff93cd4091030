/** What each command does to the reading page. */

import { byId } from "../lib/dom";
import { toast } from "../lib/toast";
import { nextAttention } from "./attention";
import { codeInfo, isPositive } from "./codes";
import { keyText } from "./hints";
import type { Command } from "./keys";
import type { ReadingPage } from "./page";
import { focusNextPane } from "./panes";
import * as reading from "./state";
import type { ReadingState } from "./state";
import { openKeysDialog } from "./view/keysDialog";

export class Commands {
  private readonly page: ReadingPage;

  constructor(page: ReadingPage) {
    this.page = page;
  }

  run(command: Command): void {
    const { state, schema } = this.page;
    const index = state.focus;
    const { key } = schema.place(index);
    switch (command.do) {
      case "value":
        return this.page.apply(reading.setValue(state, index, command.code));
      case "cycle":
        return this.page.apply(reading.cycleValue(state, index));
      case "revert":
        return this.page.apply(reading.revertCell(state, index, key));
      case "urgency":
        if (this.mayHaveUrgency()) this.page.apply(reading.setUrgency(state, index, command.level));
        return;
      case "urgency-step":
        if (this.mayHaveUrgency()) {
          this.page.apply(reading.stepUrgency(state, index, command.by, schema.data.urgency_levels.length));
        }
        return;
      case "disagrees":
        return this.page.apply(reading.toggleImageDisagrees(state, key));
      case "image-value":
        return this.page.words.cycleImageValue();
      case "evidence-add":
        return this.page.words.addEvidence();
      case "evidence-remove":
        return this.page.words.removeEvidence();
      case "cited":
        return this.page.words.walkCited(command.by);
      case "unused":
        return this.page.words.toggleUnused();
      case "unsupported":
        return this.page.words.toggleUnsupported();
      case "labeler":
        return this.page.labelers.step();
      case "take-over":
        return this.page.labelers.take();
      case "differing":
        return this.page.labelers.toggleMarks();
      case "comment":
        return this.page.card.comment.focus();
      case "undo":
        return this.travel(reading.undo(state), "Nothing to undo");
      case "redo":
        return this.travel(reading.redo(state), "Nothing to redo");
      case "move":
        return this.page.focusCell(reading.moveFocus(state, schema, command.rows, command.columns).focus);
      case "edge":
        return this.toEdge(command.where);
      case "row":
        return this.toRow(command.row);
      case "column":
        return this.toColumn(command.column);
      case "attention":
        return this.toAttention(command.by);
      case "evidence":
        return this.page.sentences.toEvidence(command.by);
      case "sentence":
        return this.page.sentences.step(command.by);
      case "sentence-cell":
        return this.page.sentences.pick(this.page.sentences.current);
      case "submit":
        return this.page.submitting.begin();
      case "help":
        openKeysDialog(this.page, () => this.page.dialogClosed());
        return;
      case "pane":
        return focusNextPane(this.page);
      case "cancel":
        this.page.labelers.close();
        this.page.sentences.show(null);
        return this.page.focusCell(index);
      case "skip":
        return this.page.flow.askSkip();
      case "jump":
        return this.page.flow.openJump();
      case "summary":
        return this.page.flow.openSummary();
      case "flag":
        return this.page.apply(reading.toggleFlagged(state));
      case "case-comment":
        return this.page.flow.focusComment();
      case "notes":
        return this.page.notes.open();
      case "case-notes":
        return this.page.notes.openCase();
      case "guideline":
        return this.page.guidelines.open();
      case "reopen":
        return this.page.reopening.ask();
      case "layout":
        return this.page.flow.setLayout(command.layout);
      case "viewer":
        if (command.command.do === "detach") return this.page.flow.setLayout("two");
        return this.page.viewer.run(command.command);
      case "worklist":
        void this.page.leave(byId("worklist-link").getAttribute("href") ?? "/");
    }
  }

  private travel(next: ReadingState, nothing: string): void {
    if (next === this.page.state) toast(nothing);
    else {
      this.page.apply(next);
      this.page.grid.focusCell(next.focus);
    }
  }

  private mayHaveUrgency(): boolean {
    const { state, schema } = this.page;
    if (!schema.hasUrgency(state.focus)) toast(`${schema.findingName(state.focus)} has no urgency.`);
    else if (!isPositive(state.labels.values.charAt(state.focus))) {
      const now = codeInfo(state.labels.values.charAt(state.focus)).says;
      toast(`Urgency needs a present or possible finding; this one is ${now}. Press ${keyText("value:+")} or ${keyText("value:?")} first.`, { tone: "warn" });
    } else return true;
    return false;
  }

  private toEdge(where: "row-start" | "row-end" | "first" | "last"): void {
    const inRow = this.page.schema.cellsOfRow(this.page.schema.place(this.page.state.focus).row);
    const first = this.page.schema.cellsOfRow(0);
    const last = this.page.schema.cellsOfRow(this.page.schema.rows - 1);
    const cell = { "row-start": inRow[0], "row-end": inRow.at(-1), first: first[0], last: last.at(-1) }[where];
    this.page.focusCell(cell ?? null);
  }

  private toRow(row: number): void {
    this.page.pendingColumn = true;
    const index = this.page.schema.nearestInRow(row, this.page.schema.place(this.page.state.focus).column);
    if (index === null) return;
    this.page.words.askForRow();
    this.page.focusCell(index, true);
  }

  private toColumn(column: number): void {
    const { row } = this.page.schema.place(this.page.state.focus);
    const index = this.page.schema.at(row, column);
    if (index !== null) this.page.focusCell(index);
    else toast(`${this.page.schema.targetTitle(this.page.state.focus)} has no cell for ${this.page.schema.data.findings[column]?.name}.`);
  }

  private toAttention(by: 1 | -1): void {
    const index = nextAttention(this.page.attention, this.page.schema, this.page.state.focus, by);
    if (index === null) toast(`No cell needs you: ${keyText("submit")} submits.`, { tone: "good" });
    else this.page.focusCell(index);
  }
}
