/**
 * Planes through a series. All lie along its grid, so that every shown pixel is one voxel (no resampling), and all are
 * turned as radiologists expect them: the patient's right on the left of the screen, front or head up.
 */

import { add, axesAlongWorld, dot, indexToWorld, scale, stepOf, subtract, unit, cross, worldToIndex } from "./geometry";
import type { Axis, PlaneName } from "./geometry";
import type { Grid, ImageInfo, SeriesInfo, Vec3 } from "./types";

/** One picture as it lies in the patient: centre of the first shown pixel, unit directions, millimetres per pixel. */
export interface Placement {
  readonly origin: Vec3;
  readonly right: Vec3;
  readonly down: Vec3;
  readonly columnStep_mm: number;
  readonly rowStep_mm: number;
  readonly columns: number;
  readonly rows: number;
}

/** How the shown columns and rows run through the voxel array. */
export interface CutAxes {
  readonly normal: Axis;
  readonly across: Axis;
  readonly along: Axis;
  readonly acrossFlipped: boolean;
  readonly alongFlipped: boolean;
}

export interface Plane {
  readonly name: PlaneName;
  /** Whether its pictures are the pictures of the series. */
  readonly isAcquired: boolean;
  readonly count: number;
  /** Null for a stack, whose pictures are shown as they are stored. */
  readonly cut: CutAxes | null;
  placement(picture: number): Placement;
}

const SCREEN: Readonly<Record<PlaneName, { readonly right: Vec3; readonly down: Vec3 }>> = {
  axial: { right: [1, 0, 0], down: [0, 1, 0] },
  coronal: { right: [1, 0, 0], down: [0, 0, -1] },
  sagittal: { right: [0, 1, 0], down: [0, 0, -1] },
};
const NAMES: readonly PlaneName[] = ["sagittal", "coronal", "axial"];

function cutPlane(grid: Grid, normal: Axis): Plane {
  const worldAxes = axesAlongWorld(grid.affine_lps);
  const name = NAMES[worldAxes.indexOf(normal)] ?? "axial";
  const { right, down } = SCREEN[name];
  const across = worldAxes[right.findIndex((part) => part !== 0)] ?? 0;
  const along = worldAxes[down.findIndex((part) => part !== 0)] ?? 1;
  const acrossStep = stepOf(grid.affine_lps, across);
  const alongStep = stepOf(grid.affine_lps, along);
  const acrossFlipped = dot(acrossStep, right) < 0;
  const alongFlipped = dot(alongStep, down) < 0;
  const [columns, rows] = [grid.dimensions[across], grid.dimensions[along]];
  const fixed = {
    right: scale(unit(acrossStep), acrossFlipped ? -1 : 1),
    down: scale(unit(alongStep), alongFlipped ? -1 : 1),
    columnStep_mm: Math.hypot(...acrossStep),
    rowStep_mm: Math.hypot(...alongStep),
    columns,
    rows,
  };
  return {
    name,
    isAcquired: normal === 2,
    count: grid.dimensions[normal],
    cut: { normal, across, along, acrossFlipped, alongFlipped },
    placement(picture) {
      const first: [number, number, number] = [0, 0, 0];
      first[normal] = picture;
      first[across] = acrossFlipped ? columns - 1 : 0;
      first[along] = alongFlipped ? rows - 1 : 0;
      return { ...fixed, origin: indexToWorld(first, grid.affine_lps) };
    },
  };
}

/** As the picture is stored; one that says nothing of its place lies at the origin with pixels of 1 mm. */
export function placementOf(image: ImageInfo): Placement {
  const [a, b, c, d, e, f] = image.orientation ?? [1, 0, 0, 0, 1, 0];
  const [rowStep_mm, columnStep_mm] = image.spacing_mm ?? [1, 1];
  return {
    origin: image.position ?? [0, 0, 0],
    right: unit([a, b, c]),
    down: unit([d, e, f]),
    columnStep_mm,
    rowStep_mm,
    columns: image.columns,
    rows: image.rows,
  };
}

function nameOf(image: ImageInfo | undefined): PlaneName {
  if (!image?.orientation) return "axial";
  const { right, down } = placementOf(image);
  const sizes = cross(right, down).map(Math.abs);
  return NAMES[sizes.indexOf(Math.max(...sizes))] ?? "axial";
}

function stackPlane(images: readonly ImageInfo[]): Plane {
  return {
    name: nameOf(images[0]),
    isAcquired: true,
    count: images.length,
    cut: null,
    placement(picture) {
      const image = images[picture];
      if (!image) throw new RangeError(`picture ${picture} of ${images.length}`);
      return placementOf(image);
    },
  };
}

/** The plane of acquisition first; a stack has no other. */
export function planesOf(series: SeriesInfo): readonly Plane[] {
  const { grid } = series;
  if (series.kind === "stack" || !grid) return [stackPlane(series.images)];
  const others = ([1, 0] as const).map((normal) => cutPlane(grid, normal));
  return [cutPlane(grid, 2), ...others.sort((a, b) => a.name.localeCompare(b.name))];
}

/** Position on a placement in pixels: whole numbers are pixel centres. */
export function toPixel(point: Vec3, placement: Placement): readonly [column: number, row: number] {
  const offset = subtract(point, placement.origin);
  return [dot(offset, placement.right) / placement.columnStep_mm, dot(offset, placement.down) / placement.rowStep_mm];
}

export function fromPixel(column: number, row: number, placement: Placement): Vec3 {
  const across = scale(placement.right, column * placement.columnStep_mm);
  return add(add(placement.origin, across), scale(placement.down, row * placement.rowStep_mm));
}

/** Millimetres from the placement's plane, along right x down. */
export function heightOver(point: Vec3, placement: Placement): number {
  return dot(subtract(point, placement.origin), cross(placement.right, placement.down));
}

/** The picture of the plane that lies nearest to a point. */
export function nearestPicture(point: Vec3, plane: Plane, grid: Grid | null): number {
  if (plane.cut && grid) {
    const index = worldToIndex(point, grid.affine_lps)[plane.cut.normal];
    return Math.min(plane.count - 1, Math.max(0, Math.round(index)));
  }
  let best = 0;
  let least = Infinity;
  for (let picture = 0; picture < plane.count; picture += 1) {
    const height = Math.abs(heightOver(point, plane.placement(picture)));
    if (height < least - 1e-6) [best, least] = [picture, height];
  }
  return best;
}

/** Distance between neighbouring pictures; 0 when there is but one. */
export function pictureStep(plane: Plane, picture: number): number {
  const other = picture + 1 < plane.count ? picture + 1 : picture - 1;
  return other < 0 ? 0 : Math.abs(heightOver(plane.placement(other).origin, plane.placement(picture)));
}
