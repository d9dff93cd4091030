/** Words and pixels joined: evidence that the reader sets, cited images, and what has nothing to do with each other. */

import { byId, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { EvidenceMap } from "./evidence";
import { cycleImageValue, imageValueOf, setImageValue } from "./imageValue";
import type { ValueCode } from "./codes";
import { keyText } from "./hints";
import { mentionText } from "./imageLinks";
import type { ReadingPage } from "./page";
import { MOST_PASSAGES, isOverlapping, setEvidence, withPassage, withoutPassage } from "./passages";
import { noteOf } from "./state";
import type { CellNote, Span } from "./types";
import { createSelectionBar } from "./view/selectionBar";
import type { SelectionBar } from "./view/selectionBar";
import { createWordsBar } from "./view/wordsBar";
import type { WordsBar } from "./view/wordsBar";

export class Words {
  showsUnused = false;
  showsUnsupported = false;
  private readonly page: ReadingPage;
  private readonly bar: WordsBar;
  private readonly selectionBar: SelectionBar;
  private notes: Readonly<Record<string, CellNote>> = {};
  private mention: number | null = null;
  /** The row that the images have gone to; null before they go to one again. */
  private row: number | null = 0;

  constructor(page: ReadingPage) {
    this.page = page;
    this.bar = createWordsBar(page.schema, {
      unused: () => page.run({ do: "unused" }),
      unsupported: () => page.run({ do: "unsupported" }),
      differing: () => page.run({ do: "differing" }),
      cell: (index) => this.toSupported(index),
    });
    this.selectionBar = createSelectionBar({
      add: () => page.run({ do: "evidence-add" }),
      remove: () => page.run({ do: "evidence-remove" }),
    });
    byId("report-pane").prepend(this.bar.element);
    byId("report-pane").append(this.selectionBar.element);
    followSelection(() => this.followSelection());
  }

  /** A case has been opened: nothing is cited yet, and the images stay where they open. */
  begin(): void {
    this.mention = null;
    this.row = this.page.schema.place(this.page.state.focus).row;
    this.notes = this.page.state.labels.body.cells;
    this.selectionBar.hide();
  }

  evidenceOf(payload: ReadingPage["session"]["payload"]): EvidenceMap {
    const { schema, state, labelers } = this.page;
    return new EvidenceMap(payload.report, schema, payload.prefill?.cells ?? {}, state.labels.body.cells, labelers.cuts);
  }

  /** Draws the report anew, since other pieces of it are evidence. */
  redraw(): void {
    const { page } = this;
    page.evidence = this.evidenceOf(page.session.payload);
    page.report.setEvidence(page.evidence);
  }

  /** Takes over what the labels say of evidence and moves the images along; before the page is drawn. */
  follow(): void {
    const { page } = this;
    const { cells } = page.state.labels.body;
    if (cells !== this.notes) {
      const isSame = evidenceText(cells) === evidenceText(this.notes);
      this.notes = cells;
      if (!isSame) this.redraw();
    }
    const { row } = page.schema.place(page.state.focus);
    if (row === this.row) return;
    this.row = row;
    page.viewer.focusTarget(page.schema.data.targets[row]?.name ?? null);
  }

  /** The reader asks for a row by its key: the images go there, though it may have the focus already. */
  askForRow(): void {
    this.row = null;
  }

  /** Cells to mark as without words; none unless that is asked for. */
  get unsupported(): ReadonlySet<number> {
    return new Set(this.showsUnsupported ? this.page.evidence.unsupportedCells(this.page.state.labels.values) : []);
  }

  /** Draws what is over the report. */
  draw(): void {
    const { evidence, state, sentences, report } = this.page;
    const unused = evidence.unusedSentences();
    report.showUnused(this.showsUnused ? new Set(unused) : null);
    this.bar.update(state, {
      supported: sentences.current === null ? null : sentences.linkedCells(),
      unused: unused.length,
      showsUnused: this.showsUnused,
      unsupported: evidence.unsupportedCells(state.labels.values).length,
      showsUnsupported: this.showsUnsupported,
      differing: this.page.labelers.canDiffer ? this.page.labelers.nDiffering : null,
      showsDiffering: this.page.labelers.showsMarks,
    });
  }

  toggleUnused(): void {
    this.showsUnused = !this.showsUnused;
    this.page.render();
    const count = this.page.evidence.unusedSentences().length;
    announce(this.showsUnused ? `${count} sentences no cell uses are marked` : "Sentences no cell uses are not marked any more");
  }

  toggleUnsupported(): void {
    this.showsUnsupported = !this.showsUnsupported;
    this.page.render();
    const { size } = this.unsupported;
    announce(this.showsUnsupported ? `${size} cells no sentence supports are marked` : "Cells no sentence supports are not marked any more");
  }

  /** Makes the selected words, else the ringed sentence, evidence of the focused cell. */
  addEvidence(): void {
    const { evidence, state } = this.page;
    const passage = this.passage();
    if (!passage) {
      return toast(`Select words of the report, or ring a sentence with ${keyText("sentence:1")} or ${keyText("evidence:1")}, and press again.`);
    }
    const spans = withPassage(evidence.of(state.focus), passage);
    if (spans.length > MOST_PASSAGES) return toast(`A cell takes at most ${MOST_PASSAGES} pieces of evidence.`, { tone: "warn" });
    this.setEvidence(spans, `Added to the evidence of ${this.cellName}`, `These words are evidence of ${this.cellName} already.`);
  }

  /** Takes the selected words or the ringed sentence away from the evidence, else the only piece there is. */
  removeEvidence(): void {
    const { evidence, state } = this.page;
    const spans = evidence.of(state.focus);
    const [only] = spans;
    if (!only) return toast(`${this.cellName} has no evidence.`);
    const passage = this.passage();
    if (passage && isOverlapping(spans, passage)) {
      return this.setEvidence(withoutPassage(spans, passage, evidence.text), `Taken away from the evidence of ${this.cellName}`);
    }
    if (spans.length === 1) return this.removeQuote(0);
    this.page.sentences.toEvidenceOfCell();
    toast(`${this.cellName} has ${spans.length} pieces of evidence: press again to take the ringed one away, ${keyText("evidence:1")} for the next.`);
  }

  /** Takes one piece of evidence of the focused cell away. */
  removeQuote(position: number): void {
    const { evidence, state } = this.page;
    const spans = evidence.of(state.focus).filter((_, place) => place !== position);
    this.setEvidence(spans, `Taken away from the evidence of ${this.cellName}`);
  }

  cycleImageValue(): void {
    const { state, schema } = this.page;
    this.page.apply(cycleImageValue(state, state.focus, schema.place(state.focus).key));
  }

  /** Says what the image shows in the focused cell; the same again takes it back. */
  setImageValue(value: ValueCode): void {
    const { state, schema } = this.page;
    const { key } = schema.place(state.focus);
    this.page.apply(setImageValue(state, key, imageValueOf(noteOf(state, key)) === value ? null : value));
  }

  /** In the report the next cited image; in the cells those cited for the focused cell, else for its target. */
  walkCited(by: 1 | -1): void {
    const { evidence, schema, state } = this.page;
    const isInReport = byId("report-pane").contains(document.activeElement);
    const ofCell = evidence.mentionsOf([state.focus]);
    const ofTarget = evidence.mentionsOf(schema.cellsOfRow(schema.place(state.focus).row));
    const all = isInReport ? [...evidence.mentions.keys()] : ofCell.length > 0 ? ofCell : ofTarget;
    if (all.length === 0) {
      return toast(isInReport ? "The report cites no image." : `No image is cited for ${schema.targetTitle(state.focus)}.`);
    }
    const at = this.mention === null ? -1 : all.indexOf(this.mention);
    const next = at < 0 ? (by === 1 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
    this.cite(all[next] ?? 0, isInReport);
  }

  /** Shows the image that a mention cites. */
  cite(position: number, focus = false): void {
    const mention = this.page.evidence.mentions[position];
    if (!mention) return;
    this.mention = position;
    this.page.report.showMention(position, { focus });
    const { series, image } = mention;
    if (this.page.viewer.goToImage({ series, image })) announce(`${mentionText(mention)} is shown`);
  }

  /** A click in a mask: says what it is and goes to its row. The images stay where the reader clicked. */
  pick(target: string | null, className: string): void {
    const { page } = this;
    const row = page.schema.data.targets.findIndex(({ name }) => name === target);
    if (row < 0) return toast(`${className}: no target of this schema.`);
    this.row = row;
    const index = page.schema.nearestInRow(row, page.schema.place(page.state.focus).column);
    // The keyboard stays with the images: the key of a window would else set the cell.
    if (index !== null) page.selectCell(index);
    const title = page.schema.data.targets[row]?.title ?? "";
    const said = className.toLowerCase() === title.toLowerCase() ? title : `${className}: ${title}`;
    toast(said);
  }

  private get cellName(): string {
    const { schema, state } = this.page;
    return `${schema.targetTitle(state.focus)} · ${schema.findingName(state.focus)}`;
  }

  private passage(): Span | null {
    const { evidence, report, sentences } = this.page;
    const ringed = sentences.current === null ? undefined : evidence.report.sentences[sentences.current];
    return report.selection() ?? ringed ?? null;
  }

  private setEvidence(spans: readonly Span[], done: string, nothing = ""): void {
    const { page } = this;
    const { key } = page.schema.place(page.state.focus);
    const next = setEvidence(page.state, key, spans, page.evidence.machineOf(page.state.focus));
    if (next === page.state) return nothing ? toast(nothing) : undefined;
    const isSelected = page.report.selection() !== null;
    page.apply(next);
    if (isSelected) window.getSelection()?.removeAllRanges();
    this.selectionBar.hide();
    announce(done);
  }

  private toSupported(index: number): void {
    const { sentences } = this.page;
    const sentence = sentences.current;
    this.page.focusCell(index);
    sentences.show(sentence);
  }

  private followSelection(): void {
    const { page } = this;
    const passage = page.report.selection();
    const selection = window.getSelection();
    if (!passage || !selection) return this.selectionBar.hide();
    const boxes = selection.getRangeAt(0).getClientRects();
    const box = boxes[boxes.length - 1] ?? selection.getRangeAt(0).getBoundingClientRect();
    this.selectionBar.show(box, this.cellName, isOverlapping(page.evidence.of(page.state.focus), passage));
  }
}

/** Calls `show` when a selection has come to rest: not while the mouse still draws it. */
function followSelection(show: () => void): void {
  let isPressed = false;
  const later = (): void => {
    setTimeout(() => {
      if (!isPressed) show();
    }, 0);
  };
  document.addEventListener("pointerdown", () => (isPressed = true));
  for (const kind of ["pointerup", "pointercancel"] as const) {
    document.addEventListener(kind, () => {
      isPressed = false;
      later();
    });
  }
  document.addEventListener("selectionchange", later);
  byId("report-place").addEventListener("scroll", later, { passive: true });
}

function announce(text: string): void {
  setText(byId("announcer"), text);
}

/** All evidence of the reader's own, as text to compare. */
function evidenceText(cells: Readonly<Record<string, CellNote>>): string {
  const own = Object.entries(cells).flatMap(([key, { evidence }]) => (evidence ? [[key, evidence] as const] : []));
  return JSON.stringify(own.sort(([one], [other]) => (one < other ? -1 : 1)));
}
