/** One pane: a picture, what is drawn over it, and its corner texts. */

import { append, el, setAttribute, setText } from "../lib/dom";
import { Screen } from "./engine";
import { Frame, fitted, zoomed } from "./frame";
import type { Look, Size, Spot } from "./frame";
import { orientationLetters, scale, scaleBarLength } from "./geometry";
import { svg } from "./icons";
import type { LabelCut } from "./labelmap";
import { MaskLayer } from "./maskLayer";
import type { MaskStyle } from "./maskLayer";
import type { Plane } from "./plane";
import { pictureText } from "./places";
import type { SeriesState } from "./seriesState";
import type { SeriesInfo, Vec3 } from "./types";
import { setPreview } from "./view";
import type { PaneParts } from "./view";
import { voiRange, windowText } from "./windowing";

/** Narrower than this a pane has no room for everything that can be written over a picture. */
const NARROW_PX = 320;
const UNREACHABLE = "The server cannot be reached. Trying again …";

/** What a pane needs to draw a mask. */
export interface MaskToDraw {
  readonly key: string;
  readonly cut: () => LabelCut;
  readonly style: MaskStyle;
}

export interface Drawing {
  readonly mask: MaskToDraw | null;
  /** Lines, measurements: whatever lies over the mask. */
  readonly over: (frame: Frame) => readonly SVGElement[];
  readonly isActive: boolean;
  /** To be known of how this pane scrolls. */
  readonly note: string | null;
}

/** Replaces the children that differ: what stays the same is not painted again. */
function exchange(parent: Element, wanted: readonly Element[]): void {
  for (const [position, child] of wanted.entries()) {
    const known = parent.children[position];
    if (!known) parent.append(child);
    else if (known.outerHTML !== child.outerHTML) known.replaceWith(child);
  }
  while (parent.children.length > wanted.length) parent.lastElementChild?.remove();
}

export class Pane {
  readonly parts: PaneParts;
  readonly position: number;
  readonly overlay = svg("svg", { class: "vp-overlay", "aria-hidden": "true" });
  readonly retry = el("button", { class: "button", text: "Try again", attrs: { type: "button" } });
  state: SeriesState | null = null;
  plane: Plane | null = null;
  size: Size = { width: 0, height: 0 };
  /** Class values in the picture, for the legend. */
  visibleClasses: readonly number[] = [];
  private look: Look | null = null;
  private isFitted = true;
  private screen: Screen | null = null;
  private readonly mask = new MaskLayer();
  private readonly corners = { place: el("p", { class: "vp-place" }), readout: el("p", { class: "vp-readout" }) };
  private readonly letters = ["left", "right", "top", "bottom"].map((side) => el("span", { class: `vp-letter vp-${side}` }));
  private readonly warning = el("p", { class: "vp-warning", attrs: { role: "note", hidden: "" } });
  private readonly messageText = el("p");
  private readonly message: HTMLElement;
  private readonly useCpu: boolean | null;
  private pointer: Spot | null = null;
  private shownKey = "";

  constructor(parts: PaneParts, position: number, useCpu: boolean | null) {
    this.parts = parts;
    this.position = position;
    this.useCpu = useCpu;
    this.mask.canvas.className = "vp-mask";
    this.message = el("div", { class: "vp-message", attrs: { role: "alert", hidden: "" } }, [this.messageText, this.retry]);
    const { place, readout } = this.corners;
    const [left, right, top, bottom] = this.letters;
    // One under the other, since a warning takes as many lines as it needs.
    const head = el("div", { class: "vp-head" }, [place, this.warning, top]);
    append(parts.element, [this.mask.canvas, this.overlay, left, right, head, bottom, readout, this.message]);
  }

  get isPainted(): boolean {
    return this.parts.canvasPlace.classList.contains("painted");
  }

  get renderer(): string {
    return this.screen?.renderer ?? "none";
  }

  get isVisible(): boolean {
    return this.size.width > 0 && this.size.height > 0;
  }

  private get isNarrow(): boolean {
    return this.size.width < NARROW_PX;
  }

  get frame(): Frame | null {
    const { state, plane } = this;
    if (!state || !plane || !this.isVisible) return null;
    const placement = plane.placement(state.pictureOf(plane));
    if (!this.look || this.isFitted) this.look = fitted(placement, this.size);
    return new Frame(placement, this.look, this.size);
  }

  put(state: SeriesState | null, plane: Plane | null): void {
    if (state === this.state && plane === this.plane) return;
    this.fit();
    if (state !== this.state) {
      this.mask.clear();
      this.shownKey = "";
      this.parts.canvasPlace.classList.remove("painted");
    }
    this.state = state;
    this.plane = plane;
  }

  fit(): void {
    this.isFitted = true;
    this.look = null;
  }

  zoom(by: number, about: Spot = [this.size.width / 2, this.size.height / 2]): void {
    if (!this.frame || !this.look) return;
    this.look = zoomed(this.look, by, about, this.size);
    this.isFitted = false;
  }

  pan(dx: number, dy: number): void {
    if (!this.frame || !this.look) return;
    const { mmPerPixel } = this.look;
    this.look = { ...this.look, across_mm: this.look.across_mm - dx * mmPerPixel, down_mm: this.look.down_mm - dy * mmPerPixel };
    this.isFitted = false;
  }

  /** Moves only when the spot lies outside the pane. */
  bringIntoView(spot: Spot): void {
    if (this.frame?.shows(spot) === false) this.pan(this.size.width / 2 - spot[0], this.size.height / 2 - spot[1]);
  }

  point(spot: Spot | null): void {
    this.pointer = spot;
    this.writeReadout();
  }

  /** @returns whether there is a picture of the wanted place now. */
  draw(drawing: Drawing): boolean {
    const { frame, state, plane } = this;
    if (!frame || !state || !plane) return false;
    const picture = state.pictureOf(plane);
    const isShown = this.drawPicture(frame, state, plane, picture);
    this.drawMask(frame, drawing.mask);
    setAttribute(this.overlay, "viewBox", `0 0 ${this.size.width} ${this.size.height}`);
    exchange(this.overlay, [...this.scaleBar(frame), ...drawing.over(frame)]);
    this.parts.element.classList.toggle("active", drawing.isActive);
    this.parts.element.classList.toggle("narrow", this.isNarrow);
    setAttribute(this.parts.element, "data-picture", String(picture));
    setAttribute(this.parts.element, "data-plane", plane.name);
    setAttribute(this.parts.element, "aria-label", `${plane.name} picture`);
    this.writePlace(state, plane, picture);
    this.writeWarning([...state.series.warnings, ...(drawing.note === null ? [] : [drawing.note])]);
    this.writeLetters(frame);
    this.writeReadout();
    return isShown;
  }

  /** Says in the picture's place why there is none. What is said already is left alone, or it would be read out at every drawing. */
  sayWhy(): void {
    const text = this.whyNothing();
    setAttribute(this.message, "hidden", text === null ? "" : null);
    setAttribute(this.retry, "hidden", text === UNREACHABLE ? "" : null);
    setText(this.messageText, text ?? "");
  }

  private whyNothing(): string | null {
    const { state, plane } = this;
    if (!state || !plane) return null;
    const why = plane.isAcquired ? state.loader.broken.get(state.pictureOf(plane)) : undefined;
    if (why !== undefined) return `This picture cannot be decoded: ${why}`;
    const now = state.loader.state;
    if (now.kind === "failed") return now.message;
    return now.kind === "waiting" && now.failures >= 2 && !this.isPainted ? UNREACHABLE : null;
  }

  private drawPicture(frame: Frame, state: SeriesState, plane: Plane, picture: number): boolean {
    const { voxels, broken } = state.loader;
    if (plane.isAcquired ? !voxels.has(picture) : voxels.nLoaded === 0) {
      this.shownKey = "";
      this.parts.canvasPlace.classList.remove("painted");
      this.placePreview(frame, state, plane, picture);
      return plane.isAcquired && broken.has(picture);
    }
    const key = this.keyOf(frame, state, plane, picture);
    if (key === this.shownKey) return true;
    const shown = voxels.picture(plane.cut, picture);
    if (!shown) return false;
    this.shownKey = key;
    this.screen ??= new Screen(`pane-${this.position}`, this.parts.canvasPlace, this.useCpu);
    const { lower, upper } = voiRange(state.window, Math.abs(voxels.step));
    const range = { lower: (lower - voxels.base) / voxels.step, upper: (upper - voxels.base) / voxels.step };
    const view = { centre: frame.centre, mmPerPixel: frame.look.mmPerPixel };
    const { isInverted } = state;
    this.screen.show({ shown, placement: frame.placement, modality: state.series.modality, range, isInverted }, view);
    this.reveal();
    return true;
  }

  /** Everything that the drawn picture depends on. */
  private keyOf({ size, look }: Frame, { series, loader, window: shown, isInverted }: SeriesState, plane: Plane, picture: number): string {
    const loaded = plane.isAcquired || loader.voxels.isComplete ? "whole" : loader.voxels.nLoaded;
    const numbers = [shown.center, shown.width, size.width, size.height, look.across_mm, look.down_mm, look.mmPerPixel];
    return [series.id, plane.name, picture, loaded, ...numbers, isInverted, window.devicePixelRatio].join();
  }

  /** Shows the canvas once Cornerstone has drawn on it, two frames later, so that nothing flashes. */
  private reveal(): void {
    const { canvasPlace, preview } = this.parts;
    if (canvasPlace.classList.contains("painted")) return;
    const key = this.shownKey.split(",", 1)[0];
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (this.shownKey.split(",", 1)[0] !== key) return;
        canvasPlace.classList.add("painted");
        preview.hidden = true;
        this.parts.element.dispatchEvent(new CustomEvent("painted"));
      }),
    );
  }

  /** The server's picture stands in while the real one is on its way. */
  private placePreview(frame: Frame, { series, window: current }: SeriesState, plane: Plane, picture: number): void {
    const { preview } = this.parts;
    const isSame = plane.isAcquired && picture === series.preview.image && (plane.cut === null || plane.cut.across === 0);
    preview.hidden = !isSame || current !== series.window;
    if (preview.hidden) return;
    setPreview(preview, series.preview.url);
    const [left, top, width, height] = frame.box;
    const flips = `scale(${plane.cut?.acrossFlipped ? -1 : 1}, ${plane.cut?.alongFlipped ? -1 : 1})`;
    Object.assign(preview.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`, transform: flips });
  }

  private drawMask(frame: Frame, mask: MaskToDraw | null): void {
    this.mask.canvas.hidden = mask === null;
    this.visibleClasses = mask ? this.mask.draw(mask.key, mask.cut, frame, mask.style) : [];
  }

  private scaleBar({ look, size, placement }: Frame): readonly SVGElement[] {
    const isKnown = this.state?.series.images[0]?.spacing_mm !== null || this.plane?.cut !== null;
    const most_mm = (size.width / 5) * look.mmPerPixel;
    if (!isKnown || placement.columns === 0 || !Number.isFinite(most_mm) || most_mm <= 0) return [];
    const bar_mm = scaleBarLength(most_mm);
    const width = bar_mm / look.mmPerPixel;
    const [x, y] = [10, size.height - 28];
    const text = bar_mm >= 10 ? `${(bar_mm / 10).toLocaleString()} cm` : `${bar_mm.toLocaleString()} mm`;
    const path = svg("path", { class: "scale-bar", d: `M${x} ${y - 5}v5h${width}v-5` });
    return [path, svg("text", { class: "scale-text", x: x + width + 6, y }, [text])];
  }

  private writePlace(state: SeriesState, plane: Plane, picture: number): void {
    const where = plane.isAcquired ? pictureText(state.series, picture) : `${picture + 1}/${plane.count}`;
    setText(this.corners.place, `${plane.name} · ${where}`);
  }

  private writeWarning(warnings: readonly string[]): void {
    setText(this.warning, warnings.join(" "));
    this.warning.hidden = warnings.length === 0;
  }

  private writeLetters({ placement }: Frame): void {
    const isKnown = this.state?.series.kind === "volume" || this.state?.series.images[0]?.orientation !== null;
    const { right, down } = placement;
    for (const [side, direction] of [scale(right, -1), right, scale(down, -1), down].entries()) {
      const letter = this.letters[side];
      if (letter) setText(letter, isKnown ? orientationLetters(direction) : "");
    }
  }

  /** Window, value and place; a narrow pane begins with the value, since what does not fit is cut off. */
  private writeReadout(): void {
    const { state, plane, frame, pointer } = this;
    if (!state || !plane || !frame) return;
    const data = this.parts.element.dataset;
    delete data["value"];
    delete data["position"];
    const point = pointer ? frame.toWorld(pointer) : null;
    const value = point ? state.valueAt(point, plane) : null;
    const hasPlace = state.series.grid !== null || Boolean(state.series.images[state.pictureOf(plane)]?.position);
    if (value !== null) data["value"] = String(value);
    if (point && hasPlace) data["position"] = point.map((each) => each.toFixed(3)).join(" ");
    const values = value === null ? [] : [valueText(value, state.series.units)];
    const places = point && hasPlace ? [pointText(point)] : [];
    const shown = windowText(state.window);
    setText(this.corners.readout, (this.isNarrow ? [...values, shown] : [shown, ...values, ...places]).join(" · "));
  }
}

function valueText(value: number, units: SeriesInfo["units"]): string {
  return `${value.toLocaleString(undefined, { maximumFractionDigits: 2 })}${units === "HU" ? " HU" : ""}`;
}

function pointText(point: Vec3): string {
  const numbers = point.map((each) => each.toLocaleString(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
  return `(${numbers.join(", ")}) mm`;
}
