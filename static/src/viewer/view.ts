/** The viewer's frame: bars, panes, slider, picker. It stands before the engine has come, and nothing of it moves later. */

import { el, replaceChildren, setAttribute, setText } from "../lib/dom";
import { hint } from "../read/hints";
import { icon } from "./icons";
import type { IconName } from "./icons";
import { countText, seriesName } from "./places";
import type { CaseImages, MaskClass, SeriesInfo, ViewerCommand } from "./types";
import { presetsFor } from "./windowing";
import type { Preset } from "./windowing";

export const PANES = 4;
export type Layout = "mpr" | "one" | "two";
export type ToolName = Extract<ViewerCommand, { do: "tool" }>["tool"];

export interface PaneParts {
  readonly element: HTMLElement;
  readonly canvasPlace: HTMLDivElement;
  readonly preview: HTMLImageElement;
}

/** The engine does not wait longer for the first look. */
const PREVIEW_MS = 1_000;
const after = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const painted = (): Promise<void> => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));

/** Shows another preview. Browsers draw the old picture, perhaps of another patient, until the new one has come: hidden so long. */
export function setPreview(preview: HTMLImageElement, url: string): void {
  if (preview.getAttribute("src") === url) return;
  preview.style.visibility = "hidden";
  preview.src = url;
}

/** The pane's frame, which stands on the page before the engine has come. */
export function createPaneParts(position: number): PaneParts {
  const preview = el("img", { class: "vp-preview", attrs: { alt: "", draggable: "false", hidden: "" } });
  preview.addEventListener("load", () => (preview.style.visibility = ""));
  const canvasPlace = el("div", { class: "vp-canvas" });
  const element = el("section", { class: "vp", data: { pane: String(position) }, attrs: { "aria-label": "Picture" } }, [preview, canvasPlace]);
  return { element, canvasPlace, preview };
}


const TOOLS: readonly (readonly [tool: ToolName, says: string])[] = [
  ["window", "Window: drag changes brightness and contrast"],
  ["scroll", "Scroll: drag goes through the pictures"],
  ["pan", "Move the picture"],
  ["zoom", "Zoom"],
  ["crosshairs", "Cross-hairs: all planes go to the point"],
  ["length", "Measure a length"],
  ["ellipse", "Measure an ellipse: mean, deviation, area"],
  ["probe", "Measure a point"],
];
const ACTIONS: readonly (readonly [action: Exclude<IconName, ToolName>, says: string])[] = [
  ["delete-measurement", "Delete the selected measurement"],
  ["invert", "Invert black and white"],
  ["reset", "Reset window, zoom and position"],
  ["maximise", "One picture or all planes"],
  ["compare", "Two series side by side"],
  ["link", "Scroll both series together"],
];

export interface ViewActions {
  run(command: ViewerCommand): void;
  pickSeries(id: number): void;
  toPicture(picture: number): void;
  setOpacity(opacity: number): void;
}

export interface BarState {
  readonly tool: ToolName;
  readonly isInverted: boolean;
  readonly layout: Layout;
  readonly isLinked: boolean;
  readonly isMaskShown: boolean;
  readonly opacity: number;
  readonly preset: number | null;
}

/** Buttons leave the keyboard where it is when the mouse presses them. A picture on one needs a name; words are theirs. */
function button(label: Node | string, says: string, press: () => void, className = "viewer-button"): HTMLButtonElement {
  const name = typeof label === "string" ? {} : { "aria-label": says };
  const element = el("button", { class: className, title: says, attrs: { type: "button", ...name } }, [label]);
  element.addEventListener("mousedown", (event) => event.preventDefault());
  element.addEventListener("click", press);
  return element;
}

export class View {
  readonly element: HTMLElement;
  readonly panes: readonly PaneParts[];
  readonly slider = el("input", { class: "viewer-slider", attrs: { type: "range", min: 0, max: 0, step: 1, "aria-label": "Image" } });
  private readonly actions: ViewActions;
  private readonly title = el("button", { class: "viewer-title", attrs: { type: "button", "aria-haspopup": "true", "aria-expanded": "false" } });
  private readonly picker = el("div", { class: "viewer-picker", attrs: { role: "group", "aria-label": "Series", hidden: "" } });
  private readonly presets = el("div", { class: "viewer-group", attrs: { role: "group", "aria-label": "Window presets" } });
  private readonly toolButtons = new Map<string, HTMLButtonElement>();
  private readonly maskButton: HTMLButtonElement;
  private readonly opacity = el("input", { class: "viewer-opacity", attrs: { type: "range", min: 0, max: 100, step: 10, "aria-label": "Mask opacity" } });
  private readonly legend = el("ul", { class: "viewer-legend", attrs: { "aria-label": "Mask classes in the picture", hidden: "" } });
  private readonly imageText = el("output", { class: "viewer-image" });
  private readonly progress = el("progress", { class: "viewer-progress", attrs: { max: 1, value: 0, "aria-label": "Images loaded" } });
  private readonly status = el("span", { class: "viewer-status", attrs: { role: "status" } });
  private readonly empty = el("p", { class: "viewer-empty", text: "No images belong to this case." });
  private readonly place = el("div", { class: "viewer-panes" });
  private presetKey = "";
  private titleKey = "";
  private legendKey = "";

  constructor(actions: ViewActions) {
    this.actions = actions;
    this.panes = Array.from({ length: PANES }, (_, position) => createPaneParts(position));
    this.maskButton = button("mask", "Show or hide the mask", () => actions.run({ do: "mask" }), "viewer-chip");
    this.maskButton.prepend(hint("viewer:mask"));
    this.title.addEventListener("click", () => this.togglePicker());
    this.slider.addEventListener("input", () => actions.toPicture(this.slider.valueAsNumber));
    this.opacity.addEventListener("input", () => actions.setOpacity(this.opacity.valueAsNumber / 100));
    this.picker.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.togglePicker(false);
    });
    this.place.append(...this.panes.map(({ element }) => element), this.legend);
    const masks = el("div", { class: "viewer-group" }, [this.maskButton, this.opacity]);
    this.element = el("div", { class: "viewer", data: { state: "empty" } }, [
      el("div", { class: "viewer-bar" }, [this.title, masks]),
      this.picker,
      el("div", { class: "viewer-bar viewer-tools", attrs: { role: "toolbar", "aria-label": "Image tools" } }, [this.toolGroup(), this.presets]),
      el("div", { class: "viewer-body" }, [this.place, this.empty]),
      el("div", { class: "viewer-foot" }, [this.slider, this.imageText, this.progress, this.status]),
    ]);
    this.setLayout("mpr");
  }

  setLayout(layout: Layout): void {
    setAttribute(this.place, "data-layout", layout);
  }

  showCase(images: CaseImages | null): void {
    const isEmpty = !images || images.series.length === 0;
    this.empty.hidden = !isEmpty;
    this.element.classList.toggle("without-images", isEmpty);
    this.element.dataset["state"] = isEmpty ? "empty" : "loading";
    const entries = (images?.series ?? []).map((series) => this.pickerEntry(series));
    replaceChildren(this.picker, entries);
    this.titleKey = "";
    this.togglePicker(false);
    this.showProgress(0, 1, "");
  }

  showSeries(series: SeriesInfo | null, others: readonly SeriesInfo[] = []): void {
    const key = [series?.id, ...others.map(({ id }) => id)].join();
    if (key === this.titleKey) return;
    this.titleKey = key;
    const name = el("strong", { text: series ? seriesName(series) : "" });
    const about = series ? [series.description, countText(series)].filter((part) => part !== "").join(" · ") : "";
    replaceChildren(this.title, [name, el("span", { class: "viewer-about", text: about }), el("span", { text: "▾", attrs: { "aria-hidden": "true" } })]);
    this.title.title = "Choose another series";
    for (const entry of this.picker.querySelectorAll("button")) {
      const id = Number(entry.dataset["series"]);
      setAttribute(entry, "aria-pressed", String(id === series?.id));
      entry.classList.toggle("beside", others.some((each) => each.id === id));
    }
    this.showPresets(series);
  }

  /** First look at a series, before anything of it is decoded. Ends when it is painted, has failed or takes too long. */
  async showPreview(series: SeriesInfo): Promise<void> {
    const preview = this.panes[0]?.preview;
    if (!preview) return;
    preview.fetchPriority = "high";
    setPreview(preview, series.preview.url);
    preview.hidden = false;
    Object.assign(preview.style, { left: "0", top: "0", width: "100%", height: "100%", transform: "" });
    await Promise.race([preview.decode().then(painted, () => undefined), after(PREVIEW_MS)]);
  }

  showBar(bar: BarState): void {
    const pressed: Readonly<Record<string, boolean>> = {
      [bar.tool]: true,
      invert: bar.isInverted,
      maximise: bar.layout === "one",
      compare: bar.layout === "two",
      link: bar.isLinked,
    };
    for (const [name, each] of this.toolButtons) {
      if (name !== "reset" && name !== "delete-measurement") setAttribute(each, "aria-pressed", String(pressed[name] ?? false));
    }
    setAttribute(this.maskButton, "aria-pressed", String(bar.isMaskShown));
    if (this.opacity.valueAsNumber !== Math.round(bar.opacity * 100)) this.opacity.value = String(Math.round(bar.opacity * 100));
    for (const each of this.presets.querySelectorAll("button")) {
      setAttribute(each, "aria-pressed", String(Number(each.dataset["preset"]) === bar.preset));
    }
  }

  enableMask(isThere: boolean): void {
    this.maskButton.disabled = !isThere;
    this.opacity.disabled = !isThere;
  }

  showPicture(picture: number, count: number, text: string): void {
    setAttribute(this.slider, "max", String(Math.max(0, count - 1)));
    if (this.slider.valueAsNumber !== picture) this.slider.value = String(picture);
    setAttribute(this.slider, "aria-valuetext", text);
    setText(this.imageText, text);
  }

  showProgress(done: number, of: number, status: string): void {
    const part = of === 0 ? 1 : done / of;
    if (this.progress.value !== part) this.progress.value = part;
    this.progress.classList.toggle("done", done >= of);
    setText(this.status, status);
  }

  showLegend(classes: readonly MaskClass[], emphasised: ReadonlySet<number>): void {
    const key = `${classes.map(({ value, name }) => `${value} ${name}`).join()} ${[...emphasised].join()}`;
    if (key === this.legendKey) return;
    this.legendKey = key;
    const most = 8;
    const first = [...classes].sort((a, b) => Number(emphasised.has(b.value)) - Number(emphasised.has(a.value)));
    const rows = first.slice(0, most).map(({ value, name, color }) => {
      const swatch = el("i", { attrs: { "aria-hidden": "true" } });
      swatch.style.background = color;
      return el("li", { class: emphasised.has(value) ? "emphasised" : "" }, [swatch, el("span", { text: name.replaceAll("_", " ") })]);
    });
    if (first.length > most) rows.push(el("li", { text: `and ${first.length - most} more` }));
    replaceChildren(this.legend, rows);
    this.legend.hidden = rows.length === 0;
  }

  togglePicker(isOpen = this.picker.hidden === true): void {
    this.picker.hidden = !isOpen;
    setAttribute(this.title, "aria-expanded", String(isOpen));
    if (isOpen) (this.picker.querySelector("[aria-pressed=true]") ?? this.picker.querySelector("button"))?.scrollIntoView({ block: "nearest" });
  }

  private toolGroup(): HTMLElement {
    const buttons = [
      ...TOOLS.map(([tool, says]) => ({ name: tool, says, command: { do: "tool", tool } as const })),
      ...ACTIONS.map(([name, says]) => ({ name, says, command: { do: name } as ViewerCommand })),
    ].map(({ name, says, command }) => {
      const each = button(icon(name), says, () => this.actions.run(command));
      each.dataset["tool"] = name;
      this.toolButtons.set(name, each);
      return each;
    });
    return el("div", { class: "viewer-group" }, buttons);
  }

  private showPresets(series: SeriesInfo | null): void {
    const key = series?.units ?? "";
    if (key === this.presetKey) return;
    this.presetKey = key;
    const chip = ({ number, name }: Preset): HTMLElement => {
      const each = button(name, `Window: ${name}`, () => this.actions.run({ do: "preset", number }), "viewer-chip");
      each.prepend(hint(`viewer:preset:${number}`));
      each.dataset["preset"] = String(number);
      return each;
    };
    replaceChildren(this.presets, series ? presetsFor(series.units).map(chip) : []);
  }

  private pickerEntry(series: SeriesInfo): HTMLElement {
    const image = el("img", { attrs: { src: series.thumbnail, alt: "", width: 64, height: 64, loading: "lazy", draggable: "false" } });
    const words = el("span", {}, [
      el("strong", { text: seriesName(series) }),
      el("span", { text: series.description || series.modality }),
      el("span", { class: "dim", text: `${series.modality} · ${countText(series)}${series.warnings.length > 0 ? " · with a warning" : ""}` }),
    ]);
    const entry = el("button", { class: "viewer-entry", data: { series: String(series.id) }, attrs: { type: "button", "aria-pressed": "false" } }, [image, words]);
    entry.addEventListener("click", () => {
      this.actions.pickSeries(series.id);
      this.togglePicker(false);
    });
    return entry;
  }
}
