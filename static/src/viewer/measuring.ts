/** The measurements of the reading: drawn, moved, selected, deleted. */

import type { Frame, Spot } from "./frame";
import { dragPoints, drawMark, liesIn, movedPoints, newMark } from "./marks";
import type { Pane } from "./pane";
import { fromPixel, pictureStep } from "./plane";
import type { Plane } from "./plane";
import type { SeriesState } from "./seriesState";
import { ellipseStats, lengthStats, probeStats } from "./stats";
import type { PixelValue } from "./stats";
import type { Measurement, MeasurementKind, MeasurementStats, Vec3, ViewerEvents } from "./types";

interface Held {
  readonly mark: Measurement;
  readonly handle: number | null;
}

export class Measuring {
  marks: readonly Measurement[] = [];
  selected: string | null = null;
  private draft: Measurement | null = null;
  private held: Held | null = null;
  /** Marks measured while a part of their picture was missing. */
  private readonly unsettled = new Map<string, { state: SeriesState; plane: Plane; picture: number }>();
  private readonly events: ViewerEvents;

  constructor(events: ViewerEvents) {
    this.events = events;
  }

  /** The marks of another case. */
  open(marks: readonly Measurement[]): void {
    this.unsettled.clear();
    this.set(marks);
  }

  set(marks: readonly Measurement[]): void {
    this.marks = marks;
    if (!marks.some(({ id }) => id === this.selected)) this.selected = null;
    this.draft = null;
    this.held = null;
  }

  drag(kind: MeasurementKind, pane: Pane, { from, to, isEnd }: { from: Spot; to: Spot; isEnd: boolean }): void {
    const { state, plane, frame } = pane;
    if (!state || !plane || !frame) return;
    if (kind !== "probe" && !plane.cut && !state.series.images[state.pictureOf(plane)]?.spacing_mm) {
      if (isEnd) this.events.onTell("This picture does not say how large its pixels are, so nothing can be measured in millimetres.");
      return;
    }
    const points = dragPoints(kind, frame, from, to);
    const stats = statsOf(kind, points, state, plane);
    const image = plane.isAcquired ? state.pictureOf(plane) : null;
    const mark = newMark(kind, { series: state.series, image, points, stats });
    this.draft = isEnd ? null : mark;
    if (!isEnd) return;
    this.selected = mark.id;
    this.remember(mark.id, state, plane);
    this.change([...this.marks, mark]);
  }

  grip(id: string, handle: number | null): void {
    const mark = this.marks.find((each) => each.id === id);
    this.selected = mark?.id ?? null;
    this.held = mark ? { mark, handle } : null;
  }

  dragGrip(pane: Pane, { from, to, isEnd }: { from: Spot; to: Spot; isEnd: boolean }): void {
    const { held } = this;
    const { state, plane, frame } = pane;
    if (isEnd) this.held = null;
    if (!held || !state || !plane || !frame || (from[0] === to[0] && from[1] === to[1])) return;
    const points = this.dragged(held, frame, from, to);
    const image = plane.isAcquired ? state.pictureOf(plane) : null;
    const mark = { ...held.mark, image, points_lps_mm: points, stats: statsOf(held.mark.kind, points, state, plane) };
    const marks = this.marks.map((each) => (each.id === mark.id ? mark : each));
    this.remember(mark.id, state, plane);
    if (isEnd) this.change(marks);
    else this.marks = marks;
  }

  /** Drops what a drag has begun; a mark that was being moved lies where it was. */
  cancel(): void {
    const mark = this.held?.mark;
    if (mark) this.marks = this.marks.map((each) => (each.id === mark.id ? mark : each));
    this.draft = null;
    this.held = null;
  }

  /** Deletes the selected measurement, else the newest. */
  delete(): void {
    const id = this.selected ?? this.marks.at(-1)?.id;
    if (id === undefined) return this.events.onTell("There is no measurement to delete.");
    this.selected = null;
    this.change(this.marks.filter((each) => each.id !== id));
  }

  /** Measures again what was measured on an incomplete picture. */
  settle(state: SeriesState): void {
    let isChanged = false;
    for (const [id, place] of this.unsettled) {
      if (place.state !== state || !state.loader.isDone) continue;
      this.unsettled.delete(id);
      isChanged = true;
      this.marks = this.marks.map((each) =>
        each.id === id ? { ...each, stats: statsOf(each.kind, each.points_lps_mm, state, place.plane, place.picture) } : each,
      );
    }
    if (isChanged) this.events.onMeasurements(this.marks);
  }

  draw(pane: Pane, frame: Frame): readonly SVGElement[] {
    const { state, plane } = pane;
    if (!state || !plane) return [];
    const picture = state.pictureOf(plane);
    const step_mm = pictureStep(plane, picture);
    const isHere = (mark: Measurement): boolean => {
      if (mark.series !== state.series.id) return false;
      if (!plane.cut) return mark.image === picture;
      return liesIn(mark, frame, step_mm);
    };
    const shown = this.draft ? [...this.marks, this.draft] : this.marks;
    return shown.filter(isHere).map((mark) => drawMark(mark, frame, mark.id === this.selected));
  }

  private dragged({ mark, handle }: Held, frame: Frame, from: Spot, to: Spot): readonly Vec3[] {
    if (handle !== null) return movedPoints(mark, handle, frame.toWorld(to));
    const [start, end] = [frame.toWorld(from), frame.toWorld(to)];
    return mark.points_lps_mm.map((point) => [point[0] + end[0] - start[0], point[1] + end[1] - start[1], point[2] + end[2] - start[2]]);
  }

  private remember(id: string, state: SeriesState, plane: Plane): void {
    const picture = state.pictureOf(plane);
    const { isDone, voxels } = state.loader;
    if (!isDone && !(plane.isAcquired && voxels.has(picture))) this.unsettled.set(id, { state, plane, picture });
    else this.unsettled.delete(id);
  }

  private change(marks: readonly Measurement[]): void {
    this.marks = marks;
    this.events.onMeasurements(marks);
  }
}

function statsOf(
  kind: MeasurementKind,
  points: readonly Vec3[],
  state: SeriesState,
  plane: Plane,
  picture = state.pictureOf(plane),
): MeasurementStats {
  const { units } = state.series;
  const placement = plane.placement(picture);
  const valueOf: PixelValue = (column, row) => state.valueAt(fromPixel(column, row, placement), plane);
  const [first, second, third] = points;
  if (kind === "probe" && first) return probeStats(first, placement, valueOf, units);
  if (kind === "length" && first && second) return lengthStats([first, second], units);
  if (first && second && third) return ellipseStats({ centre: first, ends: [second, third] }, placement, valueOf, units);
  return { units };
}
