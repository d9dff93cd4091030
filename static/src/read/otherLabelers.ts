/** The other labelers of a case: asked for behind the case, one of them open at a time, marks in the table and report. */

import { byId, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { fetchLabels } from "./api";
import type { LabelsResult } from "./api";
import { NO_URGENCY } from "./codes";
import { keyText } from "./hints";
import { agreementOf, differingCells, isNoFinding, sayingsOf, scoresOf, saysText, takeOver } from "./labelers";
import type { Saying, Sayings } from "./labelers";
import type { ReadingPage } from "./page";
import type { CasePayload, OtherRun, Span } from "./types";
import { createCardLabelers } from "./view/cardLabelers";
import type { CardLabelers } from "./view/cardLabelers";

/** Long enough for the case to be painted, and the next one asked for, first. */
const BEHIND_MS = 60;
const NO_CELLS: ReadonlySet<number> = new Set();

export class OtherLabelers {
  readonly view: CardLabelers;
  private readonly page: ReadingPage;
  private runs: readonly OtherRun[] = [];
  private nMore = 0;
  private hasFailed = false;
  private differ: ReadonlySet<number> = NO_CELLS;
  private focus = 0;
  private open: string | null = null;
  private hovered: string | null = null;
  private showsAll = false;
  private isCut = false;
  private isToShow = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** What was asked for ahead, by its address; `answer` once it has come. */
  private ready: { readonly url: string; readonly result: Promise<LabelsResult>; answer: LabelsResult | null } | null = null;

  constructor(page: ReadingPage) {
    this.page = page;
    this.view = createCardLabelers(page.schema, {
      toggle: (run) => this.show(run === this.open ? null : run),
      hover: (run) => this.hover(run),
      take: (run) => this.take(run),
      all: () => this.toggleAll(),
      again: () => this.ask(this.page.session.payload),
    });
  }

  /** A case has been opened: nothing is known of its other labelers yet. */
  begin(payload: CasePayload): void {
    this.runs = [];
    this.nMore = 0;
    this.differ = NO_CELLS;
    this.hasFailed = false;
    this.isCut = false;
    this.close();
    clearTimeout(this.timer);
    // A blank form stays one: the server would tell nothing, and is not asked.
    if (payload.prefill === null) return;
    const { url, answer = null } = this.ready ?? {};
    // What is there already is drawn with the case, in one go; what could not be loaded is asked for again.
    if (url === payload.urls.labels && answer?.kind === "labels") return this.keep(payload, answer);
    if (answer && answer.kind !== "labels") this.ready = null;
    this.timer = setTimeout(() => this.ask(payload), BEHIND_MS);
  }

  /** Asks for the labelers of the case that comes next. */
  ahead(next: CasePayload): void {
    const { labels } = next.urls;
    if (next.prefill === null) return;
    const ready = { url: labels, result: fetchLabels(labels), answer: null as LabelsResult | null };
    this.ready = ready;
    void ready.result.then((answer) => (ready.answer = answer));
  }

  /** Cells to mark as answered differently; none when the marks are off. */
  get marked(): ReadonlySet<number> {
    return this.showsMarks ? this.differ : NO_CELLS;
  }

  get nDiffering(): number {
    return this.differ.size;
  }

  /** Whether runs can differ at all in this case. */
  get canDiffer(): boolean {
    return this.runs.length > 0;
  }

  get showsMarks(): boolean {
    return this.page.preferences.data.mark_differing ?? true;
  }

  /** Where the report is cut besides, so that all evidence of these labelers can be marked; once any is shown. */
  get cuts(): readonly Span[] {
    return this.isCut ? this.runs.flatMap((run) => Object.values(run.cells).flatMap(({ evidence }) => evidence ?? [])) : [];
  }

  /** Draws the card's list and the marks in the report. */
  draw(): void {
    const { state, schema } = this.page;
    if (state.focus !== this.focus) this.close();
    const { asked, nNotAsked, allSay } = this.sayings();
    const value = state.labels.values.charAt(state.focus);
    const isQuiet = isNoFinding(value) && this.open === null;
    const urgency = state.labels.urgencies.charAt(state.focus) || NO_URGENCY;
    this.view.update({
      key: schema.place(state.focus).key,
      lines: asked.map((saying) => ({ saying, agrees: agreementOf(saying, value, urgency) })),
      nNotAsked,
      allSay: isQuiet ? allSay : null,
      nMore: this.nMore,
      open: this.open,
      showsAll: this.showsAll,
      hasFailed: this.hasFailed,
      words: (span) => this.page.evidence.text.slice(...span),
    });
    const shown = asked.find(({ run }) => run.run === (this.hovered ?? this.open));
    this.page.report.showTold(shown?.cell.evidence ?? [], { inSight: this.isToShow });
    if (this.isToShow) this.view.bringOpenIntoView();
    this.isToShow = false;
  }

  /** Opens the next labeler of the cell; behind the last one none. */
  step(): void {
    const { asked } = this.sayings();
    if (asked.length === 0) return toast(this.hasFailed ? "Other labelers could not be loaded." : "No other labeler says anything of this cell.");
    const at = asked.findIndex(({ run }) => run.run === this.open);
    this.show(asked[at + 1]?.run.run ?? null);
  }

  /** Takes over what a run says of the focused cell: the one given, else the open one. */
  take(run: string | null = this.open): void {
    const { page } = this;
    const { state, schema, evidence } = page;
    const saying = this.sayings().asked.find((each) => each.run.run === run);
    if (!saying) return toast(`Open a labeler first: ${keyText("labeler")} shows the next one.`);
    if (saying.code === "!") return toast(`The answer of ${saying.run.name} cannot be read: please decide.`, { tone: "warn" });
    const next = takeOver(state, state.focus, schema.place(state.focus).key, saying, evidence.machineOf(state.focus));
    if (next === state) return toast("That is what the cell says already.");
    page.apply(next);
  }

  toggleMarks(): void {
    this.page.preferences.set({ mark_differing: !this.showsMarks });
    this.page.render();
    const count = this.differ.size;
    announce(this.showsMarks ? `${count} cells on which labelers differ are marked` : "Cells on which labelers differ are not marked any more");
  }

  close(): void {
    this.view.scrollBack();
    this.open = null;
    this.hovered = null;
    this.showsAll = false;
    this.focus = this.page.state.focus;
  }

  private sayings(): Sayings {
    const { state, schema } = this.page;
    return sayingsOf(this.runs, state.focus, schema.place(state.focus).key, state.prefill?.values.charAt(state.focus) ?? "");
  }

  private show(run: string | null): void {
    this.open = run;
    this.isToShow = run !== null;
    this.cut();
    this.page.render();
    const saying = this.sayings().asked.find((each) => each.run.run === run);
    announce(saying ? this.spoken(saying) : "No labeler is open");
  }

  private hover(run: string | null): void {
    // Drawing the words anew would take away what is selected of them.
    if (run === this.hovered || (!this.isCut && this.page.report.selection())) return;
    this.hovered = run;
    if (run !== null) this.cut();
    this.draw();
  }

  private toggleAll(): void {
    this.showsAll = !this.showsAll;
    this.draw();
  }

  private cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    this.page.words.redraw();
    this.page.report.update(this.page.state);
  }

  private ask(payload: CasePayload): void {
    const { labels: url } = payload.urls;
    const ready = this.ready?.url === url ? this.ready.result : null;
    if (ready) this.ready = null;
    void (ready ?? fetchLabels(url)).then((answer) => this.receive(payload, answer));
  }

  private receive(payload: CasePayload, answer: LabelsResult): void {
    if (this.page.session.payload !== payload) return;
    this.keep(payload, answer);
    this.page.render();
  }

  private keep(payload: CasePayload, answer: LabelsResult): void {
    const { page } = this;
    if (payload.prefill === null) return;
    const { run: own, values } = payload.prefill;
    const labels = answer.kind === "labels" ? answer.labels : null;
    const fits = (run: OtherRun): boolean => run.run !== own && run.values.length === page.schema.size;
    this.hasFailed = labels === null;
    this.runs = (labels?.runs ?? []).filter(fits);
    this.nMore = labels?.n_more ?? 0;
    this.differ = this.runs.length > 0 ? differingCells([values, ...this.runs.map((run) => run.values)]) : NO_CELLS;
  }

  private spoken({ run, code, urgency, cell }: Saying): string {
    const { schema, evidence } = this.page;
    const level = urgency === null ? [] : [`urgency ${schema.data.urgency_levels[urgency] ?? urgency}`];
    const said = [saysText(code), ...level, ...scoresOf(cell).map(({ text }) => text)].join(", ");
    const quotes = (cell.evidence ?? []).map((span) => `“${evidence.text.slice(...span).trim()}”`).join(" ");
    return [`${run.name}: ${said}.`, cell.reason && `Why: ${cell.reason}`, quotes && `Evidence: ${quotes}`].filter(Boolean).join(" ");
  }
}

function announce(text: string): void {
  setText(byId("announcer"), text);
}
