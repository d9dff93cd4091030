/** Which mask is shown, how, and what of it belongs to the target that the reader works on. */

import { voxelAt } from "./geometry";
import type { Spot } from "./frame";
import type { MaskToDraw, Pane } from "./pane";
import type { SeriesState } from "./seriesState";
import type { CaseImages, MaskClass, MaskInfo, TargetPlace } from "./types";

export interface MaskCalls {
  /** A label map has come. */
  onReady(): void;
  onProblem(message: string): void;
}

export class Masking {
  images: CaseImages | null = null;
  target: string | null = null;
  isShown = true;
  opacity = 0.3;
  private readonly calls: MaskCalls;

  constructor(calls: MaskCalls) {
    this.calls = calls;
  }

  get place(): TargetPlace | null {
    return (this.target === null ? undefined : this.images?.targets[this.target]) ?? null;
  }

  setOpacity(opacity: number): void {
    this.opacity = Math.min(1, Math.max(0, Math.round(opacity * 10) / 10));
  }

  /** The mask of the target, else the first of the series. */
  maskOf(state: SeriesState): MaskInfo | null {
    const { masks } = state.series;
    return masks.find(({ id }) => id === this.place?.mask) ?? masks[0] ?? null;
  }

  emphasised(state: SeriesState): ReadonlySet<number> {
    const { place } = this;
    return new Set(place?.series === state.series.id ? place.values : []);
  }

  fetch(state: SeriesState, mask: MaskInfo) {
    return state.labels(mask, () => this.calls.onReady(), (message) => this.calls.onProblem(message));
  }

  toDraw({ state, plane }: Pane): MaskToDraw | null {
    const mask = state && this.isShown ? this.maskOf(state) : null;
    const map = state && mask ? this.fetch(state, mask) : null;
    if (!state || !plane || !mask || !map) return null;
    const picture = state.pictureOf(plane);
    return {
      key: `${mask.id}/${plane.name}/${picture}`,
      cut: () => map.cut(plane.cut, picture),
      style: { opacity: this.opacity, classes: mask.classes, emphasised: this.emphasised(state) },
    };
  }

  /** The classes of the legend: those in the pane's picture. */
  legend({ state, visibleClasses }: Pane): readonly MaskClass[] {
    const mask = state && this.isShown ? this.maskOf(state) : null;
    const visible = new Set(visibleClasses);
    return mask?.classes.filter(({ value }) => visible.has(value)) ?? [];
  }

  classAt({ state, plane, frame }: Pane, spot: Spot): MaskClass | null {
    const mask = state && this.isShown ? this.maskOf(state) : null;
    const grid = state?.series.grid;
    if (!state || !plane || !frame || !mask || !grid) return null;
    const voxel = voxelAt(frame.toWorld(spot), grid);
    const value = voxel ? state.labelAt(mask, voxel) : 0;
    return mask.classes.find((each) => each.value === value) ?? null;
  }
}
