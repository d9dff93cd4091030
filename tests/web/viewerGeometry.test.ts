import { describe, expect, it } from "vitest";
import golden from "../golden/geometry.json";
import { Frame, fitted, zoomed } from "../../static/src/viewer/frame";
import { indexToWorld, orientationLetters, scaleBarLength, stepOf, voxelAt, worldToIndex } from "../../static/src/viewer/geometry";
import { fromPixel, heightOver, nearestPicture, pictureStep, placementOf, planesOf, toPixel } from "../../static/src/viewer/plane";
import type { Grid, Vec3 } from "../../static/src/viewer/types";
import { close, grid, sure, volume } from "./viewerFixtures";

const vec = (numbers: readonly number[]): Vec3 => [numbers[0] ?? NaN, numbers[1] ?? NaN, numbers[2] ?? NaN];
const GRID = grid(5);

describe.each(golden.cases)("the $name phantom", ({ affine_lps, points, letters_ijk, shape_kji, pixel_spacing_mm, position_lps, orientation }) => {
  it("has its voxels where they were calculated by hand, there and back", () => {
    for (const { index_ijk, world_lps } of points) {
      expect(close(indexToWorld(vec(index_ijk), affine_lps), vec(world_lps), 1e-6)).toBe(true);
      expect(close(worldToIndex(vec(world_lps), affine_lps), vec(index_ijk), 1e-6)).toBe(true);
    }
  });

  it("points where it was said to point", () => {
    expect(([0, 1, 2] as const).map((axis) => orientationLetters(stepOf(affine_lps, axis)))).toEqual(letters_ijk);
  });

  it("shows every voxel of every plane at its own place", () => {
    const [slices, rows, columns] = shape_kji as [number, number, number];
    const cube: Grid = { dimensions: [columns, rows, slices], affine_lps };
    const planes = planesOf(volume(1, slices, { grid: cube }));
    expect(new Set(planes.map(({ name }) => name)).size).toBe(3);
    const index: Vec3 = [1, 2, 1];
    for (const plane of planes) {
      const placement = plane.placement(index[plane.cut?.normal ?? 2]);
      const [column, row] = toPixel(indexToWorld(index, affine_lps), placement);
      const across = plane.cut?.acrossFlipped ? placement.columns - 1 - column : column;
      const along = plane.cut?.alongFlipped ? placement.rows - 1 - row : row;
      expect(across).toBeCloseTo(index[plane.cut?.across ?? 0], 6);
      expect(along).toBeCloseTo(index[plane.cut?.along ?? 1], 6);
    }
  });

  it("has the patient's right on the left of the screen, and front or head up", () => {
    const cube: Grid = { dimensions: [shape_kji[2] ?? 0, shape_kji[1] ?? 0, shape_kji[0] ?? 0], affine_lps };
    for (const { name, placement } of planesOf(volume(1, shape_kji[0], { grid: cube }))) {
      const { right, down } = placement(0);
      expect(name === "sagittal" ? right[1] : right[0]).toBeGreaterThan(0);
      expect(name === "axial" ? down[1] : -down[2]).toBeGreaterThan(0);
    }
  });

  it.runIf(orientation)("steps along rows by the distance between columns", () => {
    const [row, column] = pixel_spacing_mm as [number, number];
    const image = { ...sure(volume(1).images[0]), position: vec(position_lps), orientation: orientation as never, spacing_mm: [row, column] as const };
    expect(close(fromPixel(1, 2, placementOf(image)), indexToWorld([1, 2, 0], affine_lps), 1e-6)).toBe(true);
  });
});

describe("positions", () => {
  it("of a singular grid are refused", () => {
    expect(() => worldToIndex([0, 0, 0], [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toThrow(RangeError);
  });

  it("belong to the voxel whose centre is nearest, up to half a voxel outside", () => {
    expect(voxelAt([10.9, 20.2, 32], GRID)).toEqual([0, 0, 0]);
    expect(voxelAt([11.1, 20.3, 33], GRID)).toEqual([1, 1, 1]);
    expect(voxelAt([8.9, 20, 30], GRID)).toBeNull();
    expect(voxelAt([10, 20, 52.6], GRID)).toBeNull();
  });

  it("find the nearest picture in a volume and in a stack", () => {
    const [axial] = planesOf(volume(1));
    const [stack] = planesOf(volume(1, 5, { kind: "stack", grid: null }));
    for (const plane of [axial, stack]) {
      expect(nearestPicture([0, 0, 41], sure(plane), plane === axial ? GRID : null)).toBe(2);
      expect(nearestPicture([0, 0, 900], sure(plane), plane === axial ? GRID : null)).toBe(4);
      expect(pictureStep(sure(plane), 4)).toBe(5);
    }
    expect(heightOver([0, 0, 41], sure(axial).placement(2))).toBeCloseTo(1, 9);
  });
});

describe("letters and bars", () => {
  it("leave out a direction's small parts", () => {
    expect(orientationLetters([0.99, -0.1, 0])).toBe("L");
    expect(orientationLetters([0, 0, 0])).toBe("");
  });

  it.each([
    [173, 100],
    [50, 50],
    [0.9, 0.5],
    [2.1, 2],
  ])("of at most %d mm take %d mm", (most, bar) => {
    expect(scaleBarLength(most)).toBeCloseTo(bar, 9);
  });
});

describe("a picture on a pane", () => {
  const placement = sure(planesOf(volume(1))[0]).placement(2);
  const size = { width: 400, height: 300 };

  it("fits with pixels as wide and high as they are in the patient", () => {
    const frame = new Frame(placement, fitted(placement, size), size);
    expect(frame.look.mmPerPixel).toBeCloseTo(8 / 400, 9);
    expect(frame.box).toEqual([0, expect.closeTo(112.5, 9), expect.closeTo(400, 9), expect.closeTo(75, 9)]);
  });

  it("maps the screen to the patient and back", () => {
    const frame = new Frame(placement, { across_mm: 1, down_mm: -3, mmPerPixel: 0.25 }, size);
    expect(frame.toWorld([200, 150])).toEqual([11, 17, 40]);
    expect(frame.toWorld([204, 158])).toEqual([12, 19, 40]);
    expect(frame.toScreen([12, 19, 40])).toEqual([204, 158]);
  });

  it("keeps the point under the pointer where it is while zooming", () => {
    const look = fitted(placement, size);
    const before = new Frame(placement, look, size).toWorld([37, 211]);
    const after = new Frame(placement, zoomed(look, 1.7, [37, 211], size), size).toWorld([37, 211]);
    expect(close(after, before)).toBe(true);
  });
});
