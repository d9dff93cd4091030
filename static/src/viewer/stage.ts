/** The viewer at work: series, panes and commands. Loaded when a case has images. */

import { crosshairLines } from "./crosshairs";
import type { Frame, Spot } from "./frame";
import { Linking } from "./linking";
import { Masking } from "./masking";
import { Measuring } from "./measuring";
import { Pane } from "./pane";
import { findPicture, firstSeries } from "./places";
import type { PicturePlace } from "./places";
import { listen } from "./pointer";
import type { PointerActions } from "./pointer";
import { report } from "./reporting";
import type { SeriesState } from "./seriesState";
import type { Shelf } from "./shelf";
import type { CaseImages, Measurement, ViewerCommand, ViewerEvents } from "./types";
import type { Layout, ToolName, View } from "./view";
import { dragWindow } from "./windowing";
import type { Window } from "./windowing";

/** While a series arrives its cuts are drawn again this often. */
const REDRAW_MS = 250;

type PlainCommand = Exclude<ViewerCommand["do"], "scroll" | "image-edge" | "preset" | "tool" | "zoom" | "series" | "plane" | "mask-opacity">;

export class Stage implements PointerActions {
  tool: ToolName = "window";
  private readonly view: View;
  private readonly events: ViewerEvents;
  private readonly panes: readonly Pane[];
  private readonly measuring: Measuring;
  private readonly masking: Masking;
  private readonly linking = new Linking();
  private images: CaseImages | null = null;
  private readonly shelf: Shelf;
  private main: SeriesState | null = null;
  private beside: SeriesState | null = null;
  private layout: Layout = "mpr";
  private active = 0;
  private largest = 0;
  private hasPicked = false;
  private preset: number | null = 0;
  private dragStart: Window | null = null;
  private isScheduled = false;
  private redraw: ReturnType<typeof setTimeout> | null = null;

  constructor(view: View, events: ViewerEvents, { shelf, useCpu }: { shelf: Shelf; useCpu: boolean | null }) {
    this.shelf = shelf;
    this.view = view;
    this.events = events;
    this.measuring = new Measuring(events);
    this.masking = new Masking({ onReady: () => this.schedule(), onProblem: (message) => events.onTell(message) });
    this.panes = view.panes.map((parts, position) => new Pane(parts, position, useCpu));
    const observer = new ResizeObserver(() => this.resize());
    for (const pane of this.panes) {
      listen(pane, this);
      observer.observe(pane.parts.element);
      pane.retry.addEventListener("click", () => pane.state?.loader.retry());
      pane.parts.element.addEventListener("painted", () => this.schedule());
    }
  }

  show(images: CaseImages | null, marks: readonly Measurement[]): void {
    this.images = images;
    this.hasPicked = false;
    [this.masking.images, this.masking.target] = [images, null];
    [this.active, this.largest] = [0, 0];
    const isTwo = this.layout === "two";
    if (images || !isTwo) this.layout = "mpr";
    [this.main, this.beside] = [null, null];
    this.panes[3]?.put(null, null);
    const first = images ? firstSeries(images) : null;
    this.measuring.open(marks);
    this.setMain(first ? this.shelf.state(first) : null);
    if (isTwo && (images?.series.length ?? 0) > 1) this.compare();
  }

  setMarks(marks: readonly Measurement[]): void {
    this.measuring.set(marks);
    this.schedule();
  }

  /** Picks the series for the active pane. */
  pickSeries(id: number): void {
    const series = this.images?.series.find((each) => each.id === id);
    if (!series) return;
    this.hasPicked = true;
    const state = this.shelf.state(series);
    if (this.layout === "two" && this.active === 3) this.setBeside(state);
    else this.setMain(state);
  }

  goToImage(place: { readonly series: number | null; readonly image: number }): boolean {
    const found = this.images ? findPicture(this.images, place, this.main?.series ?? null) : "This case has no images.";
    if (typeof found === "string") {
      this.events.onTell(found);
      return false;
    }
    this.showPicture(found);
    return true;
  }

  focusTarget(target: string | null): void {
    this.masking.target = target;
    const { place } = this.masking;
    if (place) {
      const series = this.images?.series.find(({ id }) => id === place.series);
      const stays = this.hasPicked && this.main?.contains(place.centre_lps_mm) === true;
      if (series && series.id !== this.main?.series.id && !stays) this.setMain(this.shelf.state(series));
      this.main?.goTo(place.centre_lps_mm);
      for (const pane of this.panes) {
        if (pane.state === this.main && pane.frame) pane.bringIntoView(pane.frame.toScreen(place.centre_lps_mm));
      }
      if (this.main) this.linking.follow(this.main);
    }
    this.schedule();
  }

  toPicture(picture: number): void {
    const pane = this.activePane;
    if (pane?.plane) this.scroll(pane, picture - (pane.state?.pictureOf(pane.plane) ?? 0));
  }

  setOpacity(opacity: number): void {
    this.masking.setOpacity(opacity);
    this.schedule();
  }

  run(command: ViewerCommand): void {
    const pane = this.activePane;
    const { state, plane } = pane ?? {};
    if (!pane || !state || !plane) return;
    switch (command.do) {
      case "scroll":
        return this.scroll(pane, command.by);
      case "image-edge":
        return this.scroll(pane, command.where === "first" ? -plane.count : plane.count);
      case "preset":
        if (!state.applyPreset(command.number)) this.events.onTell(`There is no window preset ${command.number} here.`);
        else this.preset = command.number;
        return this.schedule();
      case "tool":
        this.tool = command.tool;
        return this.schedule();
      case "zoom":
        pane.zoom(command.by > 0 ? 1.25 ** command.by : 0.8 ** -command.by);
        return this.schedule();
      case "series":
        return this.stepSeries(command.by);
      case "plane":
        return this.stepPlane(command.by);
      case "mask-opacity":
        return this.setOpacity(this.masking.opacity + 0.1 * command.by);
      default:
        return this.runPlain(command.do, pane, state);
    }
  }

  resize(): void {
    for (const pane of this.panes) {
      const { clientWidth, clientHeight } = pane.parts.element;
      pane.size = { width: clientWidth, height: clientHeight };
    }
    this.schedule();
  }

  activate(pane: Pane): void {
    this.active = pane.position;
    this.schedule();
  }

  scroll(pane: Pane, by: number): void {
    const { state, plane } = pane;
    if (!state || !plane || !state.setPicture(plane, state.pictureOf(plane) + by)) return;
    this.linking.follow(state);
    this.schedule();
  }

  zoom(pane: Pane, by: number, about: Spot): void {
    pane.zoom(by, about);
    this.schedule();
  }

  pan(pane: Pane, dx: number, dy: number): void {
    pane.pan(dx, dy);
    this.schedule();
  }

  window({ state }: Pane, dx: number, dy: number, isStart: boolean): void {
    if (!state) return;
    if (isStart || !this.dragStart) this.dragStart = state.window;
    if (isStart) return;
    state.window = dragWindow(this.dragStart, dx, dy);
    this.preset = null;
    this.schedule();
  }

  crosshair({ state, frame }: Pane, spot: Spot): void {
    if (!state || !frame) return;
    state.goTo(frame.toWorld(spot));
    this.linking.follow(state);
    this.schedule();
  }

  measure(pane: Pane, from: Spot, to: Spot, isEnd: boolean): void {
    const { tool } = this;
    if (tool !== "length" && tool !== "ellipse" && tool !== "probe") return this.cancel();
    this.measuring.drag(tool, pane, { from, to, isEnd });
    this.schedule();
  }

  grip(_: Pane, mark: string, handle: number | null): void {
    this.measuring.grip(mark, handle);
    this.schedule();
  }

  dragGrip(pane: Pane, from: Spot, to: Spot, isEnd: boolean): void {
    this.measuring.dragGrip(pane, { from, to, isEnd });
    this.schedule();
  }

  cancel(): void {
    this.measuring.cancel();
    this.schedule();
  }

  /** A click that moves nothing: names what the mask says is there. */
  click(pane: Pane, spot: Spot): void {
    this.measuring.selected = null;
    const found = this.masking.classAt(pane, spot);
    if (found?.target) this.masking.target = found.target;
    if (found) this.events.onPick(found.target, found.name);
    this.schedule();
  }

  maximise(pane: Pane): void {
    this.layout = this.layout === "one" ? "mpr" : "one";
    this.largest = pane.position === 3 ? 0 : pane.position;
    this.active = this.largest;
    this.arrange();
  }

  hover(pane: Pane, spot: Spot | null): void {
    pane.point(spot);
  }

  private runPlain(what: PlainCommand, pane: Pane, state: SeriesState): void {
    switch (what) {
      case "invert":
        state.isInverted = !state.isInverted;
        break;
      case "reset":
        state.window = state.series.window;
        state.isInverted = state.series.window.is_inverted ?? false;
        this.preset = 0;
        for (const each of this.panes) each.fit();
        break;
      case "fit":
        pane.fit();
        break;
      case "maximise":
        this.maximise(pane);
        break;
      case "compare":
        this.compare();
        break;
      case "link":
        this.linking.toggle();
        break;
      case "mask":
        this.masking.isShown = !this.masking.isShown;
        break;
      case "delete-measurement":
        this.measuring.delete();
        break;
      case "detach":
        break;
    }
    this.schedule();
  }

  private get activePane(): Pane | undefined {
    return this.panes[this.active];
  }

  private setMain(state: SeriesState | null): void {
    if (this.main && this.main !== state && this.main !== this.beside) this.main.loader.stop();
    this.main = state;
    this.preset = 0;
    if (this.active !== 3 || this.layout !== "two") this.active = 0;
    this.largest = 0;
    if (state) this.begin(state);
    for (const position of [0, 1, 2]) this.panes[position]?.put(state, state?.planes[position] ?? null);
    this.shelf.tidy([this.main, this.beside]);
    this.arrange();
  }

  private setBeside(state: SeriesState): void {
    if (this.beside && this.beside !== this.main && this.beside !== state) this.beside.loader.stop();
    this.beside = state;
    this.begin(state);
    this.panes[3]?.put(state, state.planes[0] ?? null);
    this.arrange();
    if (this.main) this.linking.follow(this.main);
  }

  private begin(state: SeriesState): void {
    state.loader.events = {
      onSlice: (k) => this.arrived(state, k),
      onState: () => {
        if (state.loader.state.kind === "done") this.measuring.settle(state);
        this.schedule();
      },
    };
    for (const mask of state.series.masks) this.masking.fetch(state, mask);
    state.loader.start();
  }

  private arrived(state: SeriesState, k: number): void {
    if (k === state.cursor[2]) this.schedule();
    this.redraw ??= setTimeout(() => {
      this.redraw = null;
      this.schedule();
    }, REDRAW_MS);
  }

  private showPicture({ series, picture }: PicturePlace): void {
    if (series.id !== this.main?.series.id) this.setMain(this.shelf.state(series));
    const [pane] = this.panes;
    this.active = 0;
    if (this.layout === "one") this.largest = 0;
    if (pane?.plane && pane.state) this.scroll(pane, picture - pane.state.pictureOf(pane.plane));
    this.arrange();
  }

  private stepSeries(by: 1 | -1): void {
    const series = this.images?.series ?? [];
    const current = series.findIndex(({ id }) => id === this.activePane?.state?.series.id);
    const next = series[(current + by + series.length) % series.length];
    if (next) this.pickSeries(next.id);
  }

  private stepPlane(by: 1 | -1): void {
    const shown = this.panes.filter((pane) => pane.plane !== null && (this.layout === "two" ? pane.position % 3 === 0 : pane.position < 3));
    const place = shown.findIndex(({ position }) => position === this.active);
    this.active = shown[(place + by + shown.length) % shown.length]?.position ?? 0;
    if (this.layout === "one") this.largest = this.active;
    this.arrange();
  }

  private compare(): void {
    const others = (this.images?.series ?? []).filter(({ id }) => id !== this.main?.series.id);
    const [other] = others;
    if (this.layout !== "two" && !other) return this.events.onTell("This case has one series only.");
    this.layout = this.layout === "two" ? "mpr" : "two";
    this.active = 0;
    if (this.layout === "two" && other && (!this.beside || this.beside === this.main)) this.setBeside(this.shelf.state(other));
    this.arrange();
  }

  private arrange(): void {
    const layout: Layout = this.layout === "mpr" && (this.main?.planes.length ?? 0) < 2 ? "one" : this.layout;
    this.linking.join(layout === "two" ? this.main : null, this.beside);
    this.view.setLayout(layout);
    for (const pane of this.panes) {
      const isOn = layout === "mpr" ? pane.position < 3 : layout === "one" ? pane.position === this.largest : pane.position % 3 === 0;
      pane.parts.element.hidden = !isOn;
    }
    this.resize();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      this.isScheduled = false;
      this.draw();
    });
  }

  private draw(): void {
    for (const pane of this.panes) {
      if (!pane.isVisible || pane.parts.element.hidden) continue;
      pane.sayWhy();
      const crossing = pane.plane?.cut && this.layout === "mpr" ? pane.state?.point : undefined;
      const lines = (frame: Frame): readonly SVGElement[] => (crossing ? crosshairLines(frame, crossing, this.tool === "crosshairs") : []);
      const over = (frame: Frame): readonly SVGElement[] => [...lines(frame), ...this.measuring.draw(pane, frame)];
      const note = pane.position === 3 ? this.linking.word : null;
      pane.draw({ mask: this.masking.toDraw(pane), over, isActive: pane.position === this.active, note });
    }
    this.report();
  }

  private report(): void {
    const { activePane: pane, tool, layout, linking, preset, main, beside, masking } = this;
    const bar = { tool, layout, isLinked: linking.isOn, preset };
    if (pane) report(this.view, { pane, main, beside, masking, bar, nMeasurements: this.measuring.marks.length });
  }
}
