/** The reading page: one state, the views that show it, and what each command does to it. */

import { byId, replaceChildren, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { attentionOf } from "./attention";
import type { Attention } from "./attention";
import type { Conflict } from "./autosave";
import type { ValueCode } from "./codes";
import { Commands } from "./commands";
import type { EvidenceMap } from "./evidence";
import { Flow } from "./flow";
import { GuidelineBook } from "./guidelines";
import { showKeys } from "./hints";
import { ImagePane } from "./images";
import type { ViewerMaker } from "./images";
import { KeyMap } from "./keymap";
import type { Command } from "./keys";
import { Notes } from "./notes";
import { OtherLabelers } from "./otherLabelers";
import { Panes } from "./panes";
import { Preferences } from "./preferences";
import { Reopening } from "./reopening";
import { ReservationKeeper } from "./reservation";
import { SchemaTable } from "./schema";
import { Sentences } from "./sentences";
import { CaseSession } from "./session";
import * as reading from "./state";
import type { ReadingState } from "./state";
import { Submitting } from "./submitting";
import type { CasePayload, Guidelines, SchemaData } from "./types";
import { startTour } from "./tour";
import { Words } from "./words";
import type { Measurement } from "../viewer/types";
import { createAttention } from "./view/attention";
import { showBanner } from "./view/banner";
import { createCard } from "./view/card";
import type { CardView } from "./view/card";
import { openConflictDialog } from "./view/conflictDialog";
import { cellLabel, createGrid } from "./view/grid";
import { createReport } from "./view/report";
import type { ReportView } from "./view/report";
import { createStatus } from "./view/status";

/** What a page is given beside its case: what the reader has set, and where a viewer comes from. */
export interface Setup {
  readonly preferences: Preferences;
  readonly makeViewer: ViewerMaker;
  readonly guidelines: Guidelines;
}

const NOTHING_SET: Setup = {
  preferences: new Preferences({ tour_done: true }),
  makeViewer: () => Promise.reject(new Error("this page has no viewer")),
  guidelines: {},
};

export class ReadingPage {
  readonly schema: SchemaTable;
  readonly status;
  session: CaseSession;
  state: ReadingState;
  attention: Attention;
  pendingColumn = false;
  readonly preferences: Preferences;
  readonly panes: Panes;
  /** The image pane; what is asked of it before its viewer and images are there is done when they are. */
  readonly viewer: ImagePane;
  readonly flow: Flow;
  keys: KeyMap;
  readonly grid;
  readonly submitting: Submitting;
  readonly sentences: Sentences;
  readonly words: Words;
  readonly labelers: OtherLabelers;
  readonly notes: Notes;
  readonly guidelines: GuidelineBook;
  readonly reopening: Reopening;
  private readonly reservation: ReservationKeeper;
  evidence: EvidenceMap;
  report: ReportView;
  card: CardView;
  private readonly user: string;
  private readonly commands: Commands;
  private readonly attentionList;
  private shownMs = 0;

  constructor(schemaData: SchemaData, payload: CasePayload, user: string, setup: Setup = NOTHING_SET) {
    this.preferences = setup.preferences;
    this.keys = new KeyMap(setup.preferences.data.keys);
    showKeys(this.keys);
    this.schema = new SchemaTable(schemaData, this.keys.cellLetters);
    this.user = user;
    this.status = createStatus({
      save: () => this.resolveProblem(),
      submit: () => this.run({ do: "submit" }),
      help: () => this.run({ do: "help" }),
    });
    this.grid = createGrid(this.schema, (index) => this.focusCell(index));
    this.attentionList = createAttention(this.schema, (index) => this.focusCell(index));
    this.submitting = new Submitting(this);
    this.sentences = new Sentences(this);
    this.words = new Words(this);
    this.labelers = new OtherLabelers(this);
    this.notes = new Notes(this);
    this.guidelines = new GuidelineBook(this, setup.guidelines);
    this.reopening = new Reopening(this);
    this.commands = new Commands(this);
    this.reservation = new ReservationKeeper(this);
    this.viewer = this.openImages(setup.makeViewer);
    this.panes = new Panes(setup.preferences, () => this.viewer.resize());
    this.flow = new Flow(this);
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

  /** Whether what is said here is saved: not of a case that somebody only looks at. */
  get isOwn(): boolean {
    return this.session.payload.case.is_own !== false;
  }

  get isSettling(): boolean {
    return performance.now() - this.shownMs < 450;
  }

  run(command: Command): void {
    const wasPending = this.pendingColumn;
    this.pendingColumn = false;
    this.commands.run(command);
    if (wasPending !== this.pendingColumn) this.render();
  }

  /** Takes over new labels, shows them and saves them. */
  apply(next: ReadingState): void {
    if (next === this.state) return;
    if (!this.isOwn) return toast("This case is not among yours: nothing was changed.", { tone: "warn" });
    if (this.submitting.isBusy || this.flow.isBusy) return toast("This case is being sent: nothing was changed.", { tone: "warn" });
    const { labels } = this.state;
    if (this.session.isLocked && next.labels !== labels) {
      this.render(); // a measurement that was drawn, or a word that was typed, goes away again
      return this.reopening.explain();
    }
    this.state = next;
    this.render();
    if (next.labels === labels) return;
    this.session.autosave.change(next.labels);
    if (next.labels.values !== labels.values || next.labels.urgencies !== labels.urgencies || next.labels.body.cells !== labels.body.cells) {
      const clashes = new Set(this.attention.contradictions.flatMap(({ cells }) => cells));
      setText(byId("announcer"), cellLabel(next, this.schema, next.focus, clashes));
    }
  }

  focusCell(index: number | null, keepPending = false): void {
    if (index === null) return;
    this.selectCell(index, keepPending);
    this.grid.focusCell(index);
  }

  /** Chooses a cell and leaves the keyboard where it is. */
  selectCell(index: number, keepPending = false): void {
    this.pendingColumn = keepPending;
    const isNewRow = this.schema.place(index).row !== this.schema.place(this.state.focus).row;
    if (isNewRow) this.sentences.forget();
    this.state = reading.focusOn(this.state, index);
    this.render();
    if (isNewRow) this.report.showSentence(null);
  }

  /** Other keys from now on, here and in the window with the images. */
  setKeys(keys: KeyMap): void {
    this.keys = keys;
    this.preferences.set({ keys: keys.overrides });
    showKeys(keys);
    this.flow.keysChanged();
  }

  startTour(): void {
    startTour(() => {
      this.preferences.set({ tour_done: true });
      this.dialogClosed();
    });
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
      mine: () => this.state.labels,
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
    this.words.follow();
    const linked = new Set(this.sentences.linkedCells());
    this.grid.update(state, this.attention, { pendingColumn: this.pendingColumn, linked, unsupported: this.words.unsupported, differing: this.labelers.marked, noted: this.notes.cells, news: this.guidelines.news });
    this.report.update(state);
    this.words.draw();
    this.card.update(state, this.evidence);
    this.labelers.draw();
    this.notes.draw();
    this.guidelines.draw();
    this.attentionList.update(this.attention);
    this.flow.update(state);
    this.status.showDiffering(this.labelers.marked.size > 0);
    this.viewer.setMeasurements(reading.measurementsOf(state));
    this.status.showCounts(state.prefill ? reading.changedCount(state, schema) : null, this.attention);
  }

  private openImages(make: ViewerMaker): ImagePane {
    const events = {
      onCase: (hasImages: boolean) => this.panes.show({ hasImages }),
      onPick: (target: string | null, name: string) => this.words.pick(target, name),
      onMeasurements: (measurements: readonly Measurement[]) => this.apply(reading.setMeasurements(this.state, measurements)),
      onTell: (message: string) => toast(message),
    };
    return new ImagePane(events, make);
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
    return this.words.evidenceOf(payload);
  }

  private openReport(): ReportView {
    return createReport(this.evidence, this.schema, {
      onPick: (sentence) => this.sentences.pick(sentence),
      onCite: (mention) => this.words.cite(mention),
    });
  }

  private openCard(payload: CasePayload): CardView {
    const actions = {
      run: (command: Command) => this.run(command),
      onComment: (text: string) => this.setComment(text),
      onRemoveQuote: (position: number) => this.words.removeQuote(position),
      onImageValue: (value: ValueCode) => this.words.setImageValue(value),
    };
    return createCard(this.schema, payload.prefill, actions, { others: this.labelers.view.element, notes: this.notes.view.element, guideline: this.guidelines.view.element });
  }

  private begin(): void {
    this.viewer.open(this.session.payload, reading.measurementsOf(this.state));
    this.sentences.forget();
    this.words.begin();
    this.labelers.begin(this.session.payload);
    this.notes.begin(this.session.payload);
    this.guidelines.begin(this.session.payload);
    this.reservation.begin(this.session.payload);
    this.pendingColumn = false;
    replaceChildren(byId("report-place"), [this.report.element]);
    replaceChildren(byId("card-place"), [this.card.element]);
    byId("report-place").scrollTop = 0;
    this.status.showCase(this.session.payload);
    showBanner(this.session.payload, { reopen: () => this.run({ do: "reopen" }) });
    const isLocked = this.session.isLocked || !this.isOwn;
    this.card.comment.readOnly = isLocked;
    this.flow.setLocked(isLocked);
    byId("submit-button").hidden = !this.isOwn;
    this.status.showSave(this.session.autosave.status, performance.now());
    this.status.showTime(this.session.activeSeconds);
    this.status.showBusy(false);
    this.render();
    byId("report-place").scrollTop = 0;
    this.grid.focusCell(this.state.focus);
    this.shownMs = performance.now();
    this.session.begin((next) => {
      void this.viewer.ahead(next);
      this.labelers.ahead(next);
    });
    if (this.session.restored) toast("Changes that could not be saved before are back.", { tone: "warn" });
    if (this.session.holdsBack) toast("Changes of this tab were not saved before the case was submitted: reopen it to see them.", { tone: "warn" });
  }

  private resolveProblem(): void {
    const open = this.session.autosave.openConflict;
    if (open) this.openConflict(open);
    else this.session.autosave.retryNow();
  }
}
