/** What the reader sees of one series: where, in which window, and which of its masks. */

import { voxelAt, worldToIndex, indexToWorld } from "./geometry";
import { SeriesLoader, readNifti } from "./loader";
import { fetchWithRetry } from "./fetching";
import { LabelMap } from "./labelmap";
import { nearestPicture, planesOf, toPixel } from "./plane";
import type { Plane } from "./plane";
import type { MaskInfo, SeriesInfo, Vec3 } from "./types";
import { presetWindow, presetsFor } from "./windowing";
import type { Window } from "./windowing";

export class SeriesState {
  readonly series: SeriesInfo;
  readonly loader: SeriesLoader;
  readonly planes: readonly Plane[];
  /** Voxel (i, j, k) that the planes run through; of a stack only k counts. */
  cursor: readonly [number, number, number];
  window: Window;
  isInverted: boolean;
  private readonly maps = new Map<number, LabelMap>();
  private readonly asked = new Set<number>();
  private stopping = new AbortController();

  constructor(series: SeriesInfo) {
    this.series = series;
    this.loader = new SeriesLoader(series);
    this.planes = planesOf(series);
    const [columns, rows] = series.grid?.dimensions ?? [0, 0];
    this.cursor = [Math.floor(columns / 2), Math.floor(rows / 2), series.preview.image];
    this.window = series.window;
    this.isInverted = series.window.is_inverted ?? false;
  }

  pictureOf(plane: Plane): number {
    return this.cursor[plane.cut?.normal ?? 2];
  }

  /** Goes to a picture of this plane; beyond the ends it stays at them. @returns whether anything changed. */
  setPicture(plane: Plane, picture: number): boolean {
    const next = Math.min(plane.count - 1, Math.max(0, Math.round(picture)));
    const axis = plane.cut?.normal ?? 2;
    if (next === this.cursor[axis]) return false;
    const cursor: [number, number, number] = [...this.cursor];
    cursor[axis] = next;
    this.cursor = cursor;
    if (axis === 2) this.loader.want(next);
    return true;
  }

  /** Middle of what is looked at, in LPS millimetres. */
  get point(): Vec3 {
    const { grid } = this.series;
    return grid ? indexToWorld(this.cursor, grid.affine_lps) : (this.planes[0]?.placement(this.cursor[2]).origin ?? [0, 0, 0]);
  }

  contains(point: Vec3): boolean {
    return this.series.grid !== null && voxelAt(point, this.series.grid) !== null;
  }

  /** Runs all planes through the voxel nearest to a point. */
  goTo(point: Vec3): void {
    const { grid } = this.series;
    const [acquired] = this.planes;
    if (!grid) {
      if (acquired) this.setPicture(acquired, nearestPicture(point, acquired, null));
      return;
    }
    const index = worldToIndex(point, grid.affine_lps);
    for (const plane of this.planes) this.setPicture(plane, index[plane.cut?.normal ?? 2]);
  }

  /** Value of the voxel that a point of the shown picture lies in; null outside or while it is not here. */
  valueAt(point: Vec3, plane: Plane): number | null {
    const { grid } = this.series;
    const { voxels } = this.loader;
    if (plane.cut && grid) {
      const voxel = voxelAt(point, grid);
      return voxel ? voxels.valueAt(voxel[0], voxel[1], voxel[2]) : null;
    }
    const picture = this.pictureOf(plane);
    const [column, row] = toPixel(point, plane.placement(picture));
    return voxels.valueAt(Math.round(column), Math.round(row), picture);
  }

  applyPreset(number: number): boolean {
    const preset = presetsFor(this.series.units).find((each) => each.number === number);
    if (!preset) return false;
    this.window = presetWindow(preset, this.series.window, this.loader.voxels.valuesOf(this.cursor[2]));
    return true;
  }

  /** The label map once it is here; the first call fetches it. */
  labels(mask: MaskInfo, onReady: () => void, onProblem: (message: string) => void): LabelMap | null {
    const known = this.maps.get(mask.id);
    if (known || this.asked.has(mask.id)) return known ?? null;
    this.asked.add(mask.id);
    void this.fetchLabels(mask, onReady, onProblem);
    return null;
  }

  labelAt(mask: MaskInfo, voxel: Vec3): number {
    return this.maps.get(mask.id)?.at(voxel[0], voxel[1], voxel[2]) ?? 0;
  }

  stop(): void {
    this.loader.stop();
    this.stopping.abort();
    this.stopping = new AbortController();
    this.asked.clear();
    for (const id of this.maps.keys()) this.asked.add(id);
  }

  private async fetchLabels(mask: MaskInfo, onReady: () => void, onProblem: (message: string) => void): Promise<void> {
    const { signal } = this.stopping;
    const { images, grid } = this.series;
    const map = new LabelMap(grid?.dimensions ?? [images[0]?.columns ?? 0, images[0]?.rows ?? 0, images.length]);
    try {
      const read = (response: Response): Promise<void> =>
        readNifti(response, (k, slice) => {
          if (slice.columns !== map.dimensions[0] || slice.rows !== map.dimensions[1]) {
            throw new RangeError(`the mask is ${slice.columns} x ${slice.rows}, its series ${map.dimensions[0]} x ${map.dimensions[1]}`);
          }
          map.put(k, slice.pixels);
        });
      await fetchWithRetry(mask.url, {}, read, { signal });
      this.maps.set(mask.id, map);
      onReady();
    } catch (error) {
      if (signal.aborted) return;
      onProblem(`The mask "${mask.name}" cannot be shown: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
