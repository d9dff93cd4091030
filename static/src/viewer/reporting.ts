/** What the bars, the legend and the data attributes say of the active pane. */

import { setAttribute } from "../lib/dom";
import type { Masking } from "./masking";
import type { Pane } from "./pane";
import { pictureText } from "./places";
import type { SeriesState } from "./seriesState";
import type { BarState, View } from "./view";

export interface Reported {
  readonly pane: Pane;
  readonly main: SeriesState | null;
  readonly beside: SeriesState | null;
  readonly masking: Masking;
  readonly bar: Omit<BarState, "isInverted" | "isMaskShown" | "opacity">;
  readonly nMeasurements: number;
}

export function report(view: View, reported: Reported): void {
  const { pane, beside, masking, bar } = reported;
  const { state, plane } = pane;
  if (!state || !plane) return;
  const { series, loader } = state;
  const picture = state.pictureOf(plane);
  const text = plane.isAcquired ? pictureText(series, picture) : `${plane.name} ${picture + 1}/${plane.count}`;
  view.showSeries(series, beside ? [beside.series] : []);
  view.showPicture(picture, plane.count, text);
  view.showProgress(loader.voxels.nLoaded + loader.broken.size, series.images.length, statusText(state));
  view.showBar({ ...bar, isInverted: state.isInverted, isMaskShown: masking.isShown, opacity: masking.opacity });
  view.enableMask(masking.maskOf(state) !== null);
  view.showLegend(masking.legend(pane), masking.emphasised(state));
  writeHooks(view, reported, state, picture);
}

/** What the page and its tests can read of the viewer. */
function writeHooks(view: View, { pane, main, masking, bar, nMeasurements }: Reported, state: SeriesState, picture: number): void {
  const { loader, series, window, cursor } = state;
  const hasFailed = main?.loader.state.kind === "failed";
  const hooks: Readonly<Record<string, string | null>> = {
    state: hasFailed ? "failed" : pane.isPainted ? "ready" : "loading",
    loaded: String(loader.voxels.isComplete),
    series: String(series.id),
    image: String(picture),
    "image-number": String(series.images[cursor[2]]?.number ?? ""),
    cursor: cursor.join(" "),
    window: `${window.center}/${window.width}`,
    plane: pane.plane?.name ?? "",
    tool: bar.tool,
    layout: bar.layout,
    target: masking.target,
    renderer: pane.renderer,
    mask: masking.isShown ? "on" : "off",
    measurements: String(nMeasurements),
  };
  for (const [name, value] of Object.entries(hooks)) setAttribute(view.element, `data-${name}`, value);
}

function statusText({ loader, series }: SeriesState): string {
  const { state, voxels, broken } = loader;
  if (state.kind === "waiting") return "connection lost, trying again";
  if (state.kind === "failed") return "not loaded";
  if (voxels.nLoaded + broken.size < series.images.length) return `${Math.floor((100 * voxels.nLoaded) / series.images.length)} %`;
  return broken.size > 0 ? `${broken.size} not readable` : "";
}
