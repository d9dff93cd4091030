/** The adjudication page: one disputed cell after the other. A key decides; the next one comes by itself. */

import { byId, replaceChildren, setText } from "../lib/dom";
import { toast } from "../lib/toast";
import { codeInfo, isPositive } from "../read/codes";
import type { ValueCode } from "../read/codes";
import { keyText, showKeys } from "../read/hints";
import { ImagePane } from "../read/images";
import type { ViewerMaker } from "../read/images";
import { KeyMap } from "../read/keymap";
import type { Command } from "../read/keys";
import { PANES, Panes, paneOf } from "../read/panes";
import { MOST_PASSAGES } from "../read/passages";
import type { Preferences } from "../read/preferences";
import { SchemaTable } from "../read/schema";
import type { SchemaData } from "../read/types";
import { decide, fetchCase, fetchNext, seenOf, takeBack } from "./api";
import type { DecideResult } from "./api";
import { NOTHING_CHOSEN, needsUrgency, nextOpen, valueForUrgency, verdictOf } from "./choice";
import type { Chosen } from "./choice";
import type { Act } from "./keys";
import type { DisputedCase, DisputedCell, ReasonData } from "./types";
import { DisputeCard } from "./view/card";
import { openKeys } from "./view/keysDialog";
import { CellList, titleOf } from "./view/list";
import { DisputedReport } from "./view/report";
import { FollowingWindow } from "./window";

/** A decision of this sitting, to be taken back. */
interface Done {
  readonly payload: DisputedCase;
  readonly seen: Record<string, unknown>;
  readonly cell: string;
}

export class AdjudicationPage {
  readonly keys: KeyMap;
  private readonly schema: SchemaTable;
  private readonly reasons: readonly ReasonData[];
  private readonly panes: Panes;
  private readonly images: ImagePane;
  private readonly beside: FollowingWindow;
  private readonly list: CellList;
  private readonly card: DisputeCard;
  private payload: DisputedCase;
  private cells: readonly DisputedCell[] = [];
  private report: DisputedReport;
  private focus = 0;
  private chosen: Chosen = NOTHING_CHOSEN;
  private mention = -1;
  private readonly done: Done[] = [];
  private next: ReturnType<typeof fetchNext> | null = null;
  /** What waits for an answer of the server, and how many of it; keys pressed meanwhile wait in line. */
  private line: Promise<void> = Promise.resolve();
  private waiting = 0;
  /** Goes up when something goes wrong: keys in line were meant for another screen. */
  private turn = 0;

  constructor(schema: SchemaData, payload: DisputedCase, reasons: readonly ReasonData[], preferences: Preferences, make: ViewerMaker) {
    this.keys = new KeyMap(preferences.data.keys);
    showKeys(this.keys);
    this.schema = new SchemaTable(schema);
    this.reasons = reasons;
    this.list = new CellList(this.schema, (place) => this.goTo(place));
    this.card = new DisputeCard(this.schema, reasons, {
      onValue: (code) => this.run({ do: "reading", command: { do: "value", code } }),
      onUrgency: (level) => this.run({ do: "reading", command: { do: "urgency", level } }),
      onReason: (reason) => this.run({ do: "reason", reason }),
      onNote: (note) => (this.chosen = { ...this.chosen, note }),
      onEvidenceRemoved: () => this.run({ do: "reading", command: { do: "evidence-remove" } }),
    });
    this.images = new ImagePane(
      {
        onCase: (hasImages) => this.panes.show({ hasImages }),
        onPick: (_, name) => toast(name),
        onMeasurements: () => {},
        onTell: (message) => toast(message),
      },
      make,
    );
    this.beside = new FollowingWindow(this.keys);
    this.panes = new Panes(preferences, () => this.images.resize());
    replaceChildren(byId("list-place"), [this.list.element]);
    replaceChildren(byId("card-place"), [this.card.element]);
    this.payload = payload;
    this.report = new DisputedReport(payload, this.schema, (mention) => this.cite(mention));
    const named = decodeURIComponent(window.location.hash.slice(1));
    this.show(payload, named);
    for (const [id, act] of BUTTONS) byId(id).addEventListener("click", () => this.run(act));
  }

  get hasDialog(): boolean {
    return document.querySelector("dialog[open]") !== null;
  }

  /** Whether a decision has not been answered yet. */
  get isBusy(): boolean {
    return this.waiting > 0;
  }

  /** Does it now, or after what is under way. */
  run(act: Act): void {
    if (!this.isBusy) return this.perform(act);
    const { turn } = this;
    this.line = this.line.then(() => {
      if (turn === this.turn) this.perform(act);
    });
  }

  private perform(act: Act): void {
    if (act.do === "reason") return this.choose({ reason: act.reason });
    if (act.do === "step") return this.goTo(Math.max(0, Math.min(this.cells.length - 1, this.focus + act.by)));
    if (act.do === "queue") return window.location.assign(byId("queue-link").getAttribute("href") ?? "/");
    if (act.do === "open") {
      const place = nextOpen(this.cells, this.focus + 1);
      return place === null ? this.toNextCase() : this.goTo(place);
    }
    return this.command(act.command);
  }

  private command(command: Command): void {
    switch (command.do) {
      case "value":
        return this.decide(command.code);
      case "urgency":
        return this.setUrgency(command.level);
      case "undo":
        return this.undo();
      case "comment":
        return this.card.note.focus();
      case "evidence-add":
        return this.addEvidence();
      case "evidence-remove":
        return this.choose({ evidence: [] });
      case "cited":
        return this.citeNext();
      case "help":
        openKeys(this.schema.data.urgency_levels, this.reasons, () => this.toCells());
        return;
      case "pane":
        return this.nextPane();
      case "cancel":
        return this.toCells();
      case "layout":
        return command.layout === "two" ? this.openWindow() : this.panes.setLayout(command.layout);
      case "viewer":
        return command.command.do === "detach" ? this.openWindow() : this.images.run(command.command);
    }
  }

  /** The cell on the screen. */
  private get cell(): DisputedCell {
    const cell = this.cells[this.focus];
    if (!cell) throw new Error(`case ${this.payload.case.key} has ${this.cells.length} disputed cells, none at ${this.focus}`);
    return cell;
  }

  private get hasUrgency(): boolean {
    const index = this.schema.indexOf(this.cell.cell);
    return index !== null && this.schema.hasUrgency(index);
  }

  private choose(change: Partial<Chosen>): void {
    this.chosen = { ...this.chosen, ...change };
    this.draw();
  }

  private decide(value: ValueCode): void {
    const { cell, payload } = this;
    const verdict = verdictOf(cell, value, this.chosen, this.hasUrgency);
    if (verdict === null) {
      this.choose({ value });
      return toast(`Voices give several urgencies: choose one (${keyText("urgency:0")} to ${keyText("urgency:3")}).`, { tone: "warn" });
    }
    this.wait(async () => {
      const result = await decide(payload.urls.decide, cell, verdict);
      if (result.kind !== "decided") return this.refused(result);
      const { decision } = result;
      this.done.push({ payload, cell: cell.cell, seen: seenOf({ ...cell, revision: decision.revision }) });
      this.cells = this.cells.map((each) => (each.cell === cell.cell ? { ...cell, decision, revision: decision.revision } : each));
      this.draw();
      setText(byId("announcer"), `${titleOf(this.schema, cell.cell)}: ${codeInfo(decision.value).says}`);
      const place = nextOpen(this.cells, this.focus + 1);
      if (place === null) await this.bringNextCase();
      else this.goTo(place);
    });
  }

  private setUrgency(level: number): void {
    const urgency = String(level);
    if (!this.hasUrgency) return toast(`${titleOf(this.schema, this.cell.cell)} has no urgency.`);
    if (this.schema.data.urgency_levels[level] === undefined) return;
    const value = valueForUrgency(this.cell, this.chosen);
    this.choose({ urgency });
    if (value !== null) this.decide(value);
  }

  private undo(): void {
    const last = this.done.pop();
    if (!last) return toast("Nothing to take back in this sitting.");
    this.wait(async () => {
      const result = await takeBack(last.payload.urls.undo, last.seen);
      if (result.kind !== "decided") {
        if (result.kind === "unreachable") this.done.push(last);
        return this.refused(result);
      }
      toast(`Taken back: ${titleOf(this.schema, last.cell)} of ${last.payload.case.key} is open again.`, { tone: "good" });
      await this.reload(last.payload, last.cell);
    });
  }

  /** Says why something was not stored, and shows how things are by now. */
  private async refused(result: Exclude<DecideResult, { kind: "decided" }>): Promise<void> {
    this.turn += 1;
    const again = (): Promise<void> => this.reload(this.payload, this.cell.cell);
    switch (result.kind) {
      case "taken": {
        const { theirs } = result;
        const what = theirs && !theirs.is_undo ? `decided it: ${codeInfo(theirs.value).says}` : "took its decision back";
        toast(`Not stored: another adjudicator ${what}. It is shown now.`, { tone: "warn" });
        return again();
      }
      case "stale":
        toast("Not stored: what the readers say has changed. Look again.", { tone: "warn" });
        return again();
      case "signed-out":
        return toast("Not stored: you are signed out. Sign in in another tab, then press the key again.", { tone: "warn" });
      case "unreachable":
        return toast("Not stored: the server does not answer. Press the key again.", { tone: "warn" });
      case "refused":
        return result.status === 404 ? this.gone() : toast(`Not stored: ${result.message}`, { tone: "warn" });
    }
  }

  private gone(): void {
    toast("Not stored: this case is not open to you any more.", { tone: "warn" });
  }

  /** Keeps later keys in line until `work` is done. */
  private wait(work: () => Promise<void>): void {
    this.waiting += 1;
    document.body.classList.add("busy");
    const settle = (): void => {
      this.waiting -= 1;
      document.body.classList.toggle("busy", this.isBusy);
    };
    this.line = this.line.then(work).finally(settle);
  }

  private async reload(payload: DisputedCase, cell: string): Promise<void> {
    const result = await fetchCase(payload.urls.again);
    if (result.kind === "case" && result.payload) this.show(result.payload, cell);
    else toast("The case could not be loaded again.", { tone: "warn" });
  }

  private toNextCase(): void {
    this.wait(() => this.bringNextCase());
  }

  private async bringNextCase(): Promise<void> {
    // What was loaded ahead may be decided by now: an answer without open cells is asked for anew.
    let result = await (this.next ?? fetchNext(this.payload.urls.next));
    if (result.kind === "case" && result.payload?.case.id === this.payload.case.id) result = await fetchNext(this.payload.urls.next);
    if (result.kind !== "case") return toast("The next case could not be loaded.", { tone: "warn" });
    if (result.payload === null || result.payload.case.id === this.payload.case.id) return this.finish();
    this.show(result.payload);
  }

  /** All that this person may decide is decided. */
  private finish(): void {
    document.body.classList.add("all-read");
    byId("all-decided").hidden = false;
    byId("all-decided-link").focus();
  }

  private show(payload: DisputedCase, cell = ""): void {
    const isOther = payload.case.id !== this.payload.case.id || this.cells.length === 0;
    document.body.classList.remove("all-read");
    byId("all-decided").hidden = true;
    this.payload = payload;
    this.cells = payload.cells;
    if (this.cells.length === 0) return window.location.assign(byId("queue-link").getAttribute("href") ?? "/");
    this.report = new DisputedReport(payload, this.schema, (mention) => this.cite(mention));
    replaceChildren(byId("report-place"), [this.report.element]);
    setText(byId("case-key"), payload.case.key);
    document.title = `Adjudicate · ${payload.case.key} · Overread`;
    if (isOther) {
      byId("report-place").scrollTop = 0;
      if (!window.location.href.endsWith(payload.urls.page)) window.history.pushState(null, "", payload.urls.page);
      this.images.open(payload, []);
      this.beside.show(payload);
    }
    const named = this.cells.findIndex((each) => each.cell === cell);
    this.goTo(named >= 0 ? named : (nextOpen(this.cells, 0) ?? 0));
    this.next = fetchNext(payload.urls.next).then((result) => {
      if (result.kind === "case" && result.payload && payload.case.id === this.payload.case.id) void this.images.ahead(result.payload);
      return result;
    });
  }

  private goTo(place: number): void {
    this.focus = place;
    this.chosen = NOTHING_CHOSEN;
    this.mention = -1;
    const index = this.schema.indexOf(this.cell.cell);
    const row = index === null ? undefined : this.schema.data.targets[this.schema.place(index).row];
    for (const viewer of [this.images, this.beside]) viewer.focusTarget(row?.name ?? null);
    this.draw();
    this.toCells();
  }

  private draw(): void {
    const { cell, cells, chosen } = this;
    this.list.draw(cells, this.focus);
    this.card.update(cell, chosen, this.report.evidence.text);
    this.report.show(cell, chosen.evidence);
    const n = cells.filter(({ decision }) => decision === null).length;
    setText(byId("counts"), `${n} of ${cells.length} open`);
    const progress = byId("case-progress") as HTMLProgressElement;
    progress.max = cells.length;
    progress.value = cells.length - n;
    if (chosen.value !== null && isPositive(chosen.value) && needsUrgency(cell, chosen.value, chosen, this.hasUrgency)) {
      setText(byId("announcer"), "Choose an urgency.");
    }
  }

  private addEvidence(): void {
    const span = this.report.selection();
    if (!span) return toast("Select words in the report first.");
    const { evidence } = this.chosen;
    if (evidence.length >= MOST_PASSAGES) return toast(`At most ${MOST_PASSAGES} passages.`, { tone: "warn" });
    window.getSelection()?.removeAllRanges();
    this.choose({ evidence: [...evidence, span].sort(([one], [other]) => one - other) });
  }

  private citeNext(): void {
    const { evidence } = this.report;
    const index = this.schema.indexOf(this.cell.cell);
    const cited = index === null ? [] : evidence.mentionsOf([index]);
    const all = cited.length > 0 ? cited : [...evidence.mentions.keys()];
    if (all.length === 0) return toast("The report cites no image.");
    this.cite(all[(all.indexOf(this.mention) + 1) % all.length] ?? 0);
  }

  private cite(position: number): void {
    const mention = this.report.evidence.mentions[position];
    if (!mention) return;
    this.mention = position;
    for (const viewer of [this.images, this.beside]) viewer.goToImage({ series: mention.series, image: mention.image });
  }

  private openWindow(): void {
    if (!this.payload.images) return toast("This case has no images.");
    if (!this.beside.open(this.payload)) toast("The browser does not allow another window.", { tone: "warn" });
  }

  private nextPane(): void {
    const open = (["report", "cells", "image"] as const).filter((pane) => !byId(PANES[pane]).hidden);
    const next = open[(open.indexOf(paneOf(document.activeElement)) + 1) % open.length] ?? "cells";
    if (next === "cells") this.toCells();
    else byId(next === "report" ? "report-place" : PANES.image).focus();
  }

  private toCells(): void {
    if (!this.hasDialog) byId("cells-place").focus({ preventScroll: true });
  }
}

const BUTTONS: readonly (readonly [string, Act])[] = [
  ["undo-button", { do: "reading", command: { do: "undo" } }],
  ["help-button", { do: "reading", command: { do: "help" } }],
];
