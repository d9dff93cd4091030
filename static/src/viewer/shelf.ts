/** The series of this case and of the next: what is loaded stays, as far as memory allows. */

import { firstSeries } from "./places";
import { SeriesState } from "./seriesState";
import type { CaseImages, SeriesInfo } from "./types";

/** Decoded voxels kept for series that are not on the screen. */
const CACHE_BYTES = 800 * 2 ** 20;
/** Pictures of the next case fetched ahead. */
const AHEAD = 12;

export class Shelf {
  private current: CaseImages | null = null;
  private ahead: CaseImages | null = null;
  /** The last used comes last. */
  private readonly states = new Map<number, SeriesState>();

  setCase(images: CaseImages | null): void {
    this.current = images;
    this.tidy([]);
  }

  state(series: SeriesInfo): SeriesState {
    const known = this.states.get(series.id) ?? new SeriesState(series);
    this.states.delete(series.id);
    this.states.set(series.id, known);
    return known;
  }

  prefetch(images: CaseImages): void {
    this.ahead = images;
    const first = firstSeries(images);
    if (!first) return;
    new Image().src = first.preview.url;
    if (first.source === "dicom") this.state(first).loader.start(AHEAD);
  }

  /** Lets go of what belongs neither to this case nor to the next, and of the oldest when memory is full. */
  tidy(shown: readonly (SeriesState | null)[]): void {
    const kept = new Set([...(this.current?.series ?? []), ...(this.ahead?.series ?? [])].map(({ id }) => id));
    let bytes = 0;
    for (const [id, state] of [...this.states].reverse()) {
      if (shown.includes(state)) continue;
      bytes += state.loader.voxels.nBytes;
      if (kept.has(id) && bytes <= CACHE_BYTES) continue;
      state.stop();
      this.states.delete(id);
    }
  }
}
