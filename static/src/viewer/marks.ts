/** Measurements: making, moving and drawing them. Points are LPS millimetres; a mark is stored in the reading. */

import { uuid4 } from "../lib/uuid";
import type { Frame, Spot } from "./frame";
import { add, distance, scale, subtract } from "./geometry";
import { svg } from "./icons";
import { heightOver } from "./plane";
import { statsText } from "./stats";
import type { Measurement, MeasurementKind, MeasurementStats, SeriesInfo, Vec3 } from "./types";

/** Points for a drag from one spot to another. */
export function dragPoints(kind: MeasurementKind, frame: Frame, from: Spot, to: Spot): readonly Vec3[] {
  if (kind === "probe") return [frame.toWorld(to)];
  if (kind === "length") return [frame.toWorld(from), frame.toWorld(to)];
  const centre: Spot = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  return [frame.toWorld(centre), frame.toWorld([Math.max(from[0], to[0]), centre[1]]), frame.toWorld([centre[0], Math.max(from[1], to[1])])];
}

export function newMark(
  kind: MeasurementKind,
  { series, image, points, stats }: { series: SeriesInfo; image: number | null; points: readonly Vec3[]; stats: MeasurementStats },
): Measurement {
  return { id: uuid4(), kind, series: series.id, series_uid: series.series_uid, image, points_lps_mm: points, label: "", stats };
}

/** The points after handle `handle` was dragged to `to`: handles of an ellipse keep their direction, its centre moves all. */
export function movedPoints(mark: Measurement, handle: number, to: Vec3): readonly Vec3[] {
  const points = mark.points_lps_mm;
  const first = points[0];
  const moving = points[handle];
  if (!first || !moving) return points;
  if (mark.kind !== "ellipse") return points.map((point, position) => (position === handle ? to : point));
  if (handle === 0) return points.map((point) => add(point, subtract(to, first)));
  const half = distance(first, moving);
  const along = half === 0 ? to : add(first, scale(subtract(moving, first), distance(first, to) / half));
  return points.map((point, position) => (position === handle ? along : point));
}

/** Whether the mark lies in the picture that the frame shows, give or take half the distance between pictures. */
export function liesIn(mark: Measurement, frame: Frame, step_mm: number): boolean {
  const most = Math.max(step_mm / 2, 0.05) + 1e-3;
  return mark.points_lps_mm.every((point) => Math.abs(heightOver(point, frame.placement)) <= most);
}

function shapeOf(mark: Measurement, frame: Frame): readonly SVGElement[] {
  const spots = mark.points_lps_mm.map((point) => frame.toScreen(point));
  const [first, second, third] = spots;
  if (!first) return [];
  const [x, y] = first;
  if (mark.kind === "length" && second) return [svg("line", { x1: x, y1: y, x2: second[0], y2: second[1] })];
  if (mark.kind === "ellipse" && second && third) {
    const rx = Math.hypot(second[0] - x, second[1] - y);
    const ry = Math.hypot(third[0] - x, third[1] - y);
    const turn = (Math.atan2(second[1] - y, second[0] - x) * 180) / Math.PI;
    return [svg("ellipse", { cx: x, cy: y, rx, ry, transform: `rotate(${turn} ${x} ${y})` })];
  }
  return [svg("path", { d: `M${x - 7} ${y}h5M${x + 2} ${y}h5M${x} ${y - 7}v5M${x} ${y + 2}v5` })];
}

function labelSpot(mark: Measurement, frame: Frame): Spot {
  const spots = mark.points_lps_mm.map((point) => frame.toScreen(point));
  const right = spots.reduce((best, spot) => (spot[0] > best[0] ? spot : best), spots[0] ?? [0, 0]);
  const lines = statsText(mark.stats).length;
  const x = Math.max(4, Math.min(right[0] + 9, frame.size.width - 150));
  return [x, Math.max(14, Math.min(right[1] + 4, frame.size.height - 14 * lines))];
}

/** Draws one mark; its lines and handles carry `data-mark` and `data-handle` for the pointer. */
export function drawMark(mark: Measurement, frame: Frame, isSelected: boolean): SVGGElement {
  const shapes = shapeOf(mark, frame);
  const wide = shapes.map((shape) => {
    const copy = shape.cloneNode() as SVGElement;
    copy.setAttribute("class", "mark-grip");
    return copy;
  });
  const handles = mark.points_lps_mm.map((point, handle) => {
    const [cx, cy] = frame.toScreen(point);
    return svg("circle", { class: "mark-handle", cx, cy, r: 4, "data-handle": handle });
  });
  const [x, y] = labelSpot(mark, frame);
  const lines = statsText(mark.stats).map((line, row) => svg("tspan", { x, dy: row === 0 ? 0 : 14 }, [line]));
  const name = isSelected ? "mark selected" : "mark";
  return svg("g", { class: name, "data-mark": mark.id }, [...shapes, ...wide, ...handles, svg("text", { x, y }, lines)]);
}
