import { describe, expect, it } from "vitest";
import { LabelMap, outlines, rgb } from "../../static/src/viewer/labelmap";
import { SliceReader, isGzip, parseHeader } from "../../static/src/viewer/nifti";
import { planesOf } from "../../static/src/viewer/plane";
import type { Slice } from "../../static/src/viewer/voxels";
import { Voxels } from "../../static/src/viewer/voxels";
import { grid, sure, volume } from "./viewerFixtures";

const WINDOW = { center: 40, width: 400 };
/** Value 100 k + 10 j + i, so that every voxel says where it is. */
const numbered = (k: number): Int16Array => Int16Array.from({ length: 12 }, (_, at) => 100 * k + 10 * Math.floor(at / 4) + (at % 4));
const slice = (pixels: Slice["pixels"], slope = 1, intercept = 0): Slice => ({ pixels, columns: 4, rows: 3, slope, intercept });

function filled(count = 5): Voxels {
  const voxels = new Voxels([4, 3, 5], WINDOW);
  for (let k = 0; k < count; k += 1) voxels.put(k, slice(numbered(k)));
  return voxels;
}

describe("cuts", () => {
  it("show each voxel at its place in all three planes", () => {
    const voxels = filled();
    const shown = Object.fromEntries(planesOf(volume(1)).map((plane) => [plane.name, [...sure(voxels.picture(plane.cut, 1)).pixels]]));
    expect(shown["axial"]).toEqual([100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123]);
    expect(shown["coronal"]).toEqual([410, 411, 412, 413, 310, 311, 312, 313, 210, 211, 212, 213, 110, 111, 112, 113, 10, 11, 12, 13]);
    expect(shown["sagittal"]).toEqual([401, 411, 421, 301, 311, 321, 201, 211, 221, 101, 111, 121, 1, 11, 21]);
  });

  it("turn what is stored back to front", () => {
    const affine_lps = [-2, 0, 0, 10, 0, -0.5, 0, 20, 0, 0, 5, 30, 0, 0, 0, 1];
    const [axial] = planesOf(volume(1, 5, { grid: { ...grid(5), affine_lps } }));
    expect([...sure(filled().picture(sure(axial).cut, 0)).pixels]).toEqual([23, 22, 21, 20, 13, 12, 11, 10, 3, 2, 1, 0]);
  });

  it("run through slices that lie on edge", () => {
    const affine_lps = [0, 0, 5, 10, 2, 0, 0, 20, 0, -0.5, 0, 30, 0, 0, 0, 1];
    const planes = planesOf(volume(1, 5, { grid: { ...grid(5), affine_lps } }));
    const axial = sure(planes.find(({ name }) => name === "axial"));
    expect([axial.isAcquired, sure(planes[0]).name]).toEqual([false, "sagittal"]);
    const cut = sure(filled().picture(axial.cut, 1));
    expect([cut.columns, cut.rows, ...cut.pixels.slice(0, 5)]).toEqual([5, 4, 10, 110, 210, 310, 410]);
  });

  it("say so while slices are missing", () => {
    const voxels = filled(2);
    const [axial, coronal] = planesOf(volume(1));
    expect(voxels.picture(sure(axial).cut, 3)).toBeNull();
    const cut = sure(voxels.picture(sure(coronal).cut, 0));
    expect([cut.isComplete, cut.pixels[0], cut.pixels[12]]).toEqual([false, -32768, 100]);
    expect(sure(voxels.picture(sure(axial).cut, 1)).isComplete).toBe(true);
  });
});

describe("values", () => {
  it("are stored values times slope plus intercept, drawn or read", () => {
    const voxels = new Voxels([4, 3, 5], WINDOW);
    voxels.put(0, slice(numbered(0), 2, -1024));
    expect(voxels.valueAt(3, 2, 0)).toBe(23 * 2 - 1024);
    expect(voxels.valueAt(4, 0, 0)).toBeNull();
    expect(voxels.valueAt(0, 0, 1)).toBeNull();
    expect(sure(sure(voxels.picture(null, 0)).pixels[11]) * voxels.step + voxels.base).toBe(23 * 2 - 1024);
  });

  it("of slices with scales of their own are drawn on one scale", () => {
    const voxels = new Voxels([4, 3, 5], WINDOW);
    voxels.put(0, slice(numbered(0), 1, 0));
    voxels.put(1, slice(numbered(0), 10, 5));
    expect(voxels.valueAt(3, 2, 1)).toBe(235);
    expect(sure(voxels.picture(null, 1)).pixels[11]).toBe(235);
  });

  it("draws slices that are scaled each by itself, whichever comes first", () => {
    // 30,000 * 1 and 30,000 * 50: with the step of the first slice the second would end at 32,767.
    const voxels = new Voxels([4, 3, 2], WINDOW, [1, 50]);
    voxels.put(0, slice(new Int16Array(12).fill(30_000), 1));
    voxels.put(1, slice(new Int16Array(12).fill(30_000), 50));
    const drawn = [0, 1].map((k) => sure(sure(voxels.picture(null, k)).pixels[0]) * voxels.step + voxels.base);
    expect(drawn).toEqual([30_000, 1_500_000]);
  });

  it("draws whole numbers of 32 bits around the window, not from their ends", () => {
    const voxels = new Voxels([4, 3, 1], { center: 100_000, width: 400 });
    voxels.put(0, slice(new Int32Array(12).fill(100_100)));
    expect(sure(sure(voxels.picture(null, 0)).pixels[0]) * voxels.step + voxels.base).toBeCloseTo(100_100, 0);
  });

  it("above 32767 and fractions are drawn apart", () => {
    const big = new Voxels([4, 3, 5], WINDOW);
    big.put(0, slice(Uint16Array.from({ length: 12 }, () => 65_000)));
    expect(sure(sure(big.picture(null, 0)).pixels[0]) * big.step + big.base).toBe(65_000);
    const small = new Voxels([4, 3, 5], { center: 0.5, width: 1 });
    small.put(0, slice(Float32Array.from({ length: 12 }, (_, at) => at / 12)));
    expect(sure(sure(small.picture(null, 0)).pixels[6]) * small.step + small.base).toBeCloseTo(0.5, 3);
    expect(small.valueAt(2, 1, 0)).toBeCloseTo(0.5, 6);
  });
});

/** A NIfTI-1 header by the field table of nifti1.h. */
function header(changes: { type?: number; slope?: number; intercept?: number; little?: boolean; size?: number } = {}): Uint8Array {
  const { type = 4, slope = 0, intercept = 0, little = true, size = 348 } = changes;
  const view = new DataView(new ArrayBuffer(352));
  view.setInt32(0, size, little);
  for (const [axis, length] of [3, 4, 3, 2, 1].entries()) view.setInt16(40 + 2 * axis, length, little);
  view.setInt16(70, type, little);
  view.setFloat32(108, 352, little);
  view.setFloat32(112, slope, little);
  view.setFloat32(116, intercept, little);
  return new Uint8Array(view.buffer);
}

describe("NIfTI", () => {
  it("comes out slice by slice from pieces of any size, in either byte order", () => {
    for (const little of [true, false]) {
      const voxels = new DataView(new ArrayBuffer(48));
      for (let at = 0; at < 24; at += 1) voxels.setInt16(2 * at, at - 5, little);
      const file = new Uint8Array([...header({ little, slope: 2, intercept: 1 }), ...new Uint8Array(voxels.buffer), ...new Uint8Array(200)]);
      const slices: [number, Slice][] = [];
      const reader = new SliceReader((k, each) => slices.push([k, each]));
      for (let at = 0; at < file.length; at += 7) reader.push(file.subarray(at, at + 7));
      expect(slices.map(([k, { slope, intercept, columns, rows }]) => [k, slope, intercept, columns, rows])).toEqual([
        [0, 2, 1, 4, 3],
        [1, 2, 1, 4, 3],
      ]);
      expect([...sure(slices[1])[1].pixels]).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    }
  });

  it("of fewer bytes than the longest header is read at its end", () => {
    const slices: number[] = [];
    const reader = new SliceReader((k) => slices.push(k));
    reader.push(new Uint8Array([...header(), ...new Uint8Array(48)]));
    reader.start();
    reader.push(new Uint8Array());
    expect(slices).toEqual([0, 1]);
  });

  it("without a usable slope is unscaled", () => {
    expect(parseHeader(header({ slope: NaN, intercept: 3 }))).toMatchObject({ slope: 1, intercept: 0 });
  });

  it.each([
    ["no NIfTI file", { size: 77 }, /starts with 77/],
    ["complex numbers", { type: 32 }, /data type 32/],
  ])("is refused for %s", (_, changes, says) => {
    expect(() => parseHeader(header(changes))).toThrow(says);
  });

  it("packed or not is told from its first bytes", () => {
    expect([isGzip(new Uint8Array([0x1f, 0x8b])), isGzip(header())]).toEqual([true, false]);
  });
});

describe("a label map", () => {
  const map = new LabelMap([4, 3, 5]);
  map.put(2, [0, 0, 0, 0, 0, 7, 7, 0, 0, 0, 0, 0]);

  it("is cut like the series that it lies on", () => {
    const [axial, coronal] = planesOf(volume(1));
    expect([...map.cut(sure(axial).cut, 2).labels]).toEqual([0, 0, 0, 0, 0, 7, 7, 0, 0, 0, 0, 0]);
    expect([...map.cut(sure(coronal).cut, 1).labels].indexOf(7)).toBe(2 * 4 + 1);
    expect([map.at(1, 1, 2), map.at(1, 1, 3), map.at(9, 0, 2)]).toEqual([7, 0, 0]);
  });

  it("is outlined along the outer edges of its pixels", () => {
    const runs = sure(outlines(map.cut(null, 2)).get(7));
    expect(runs.length / 4).toBe(6);
    const corners = Array.from({ length: runs.length / 2 }, (_, at) => runs.slice(2 * at, 2 * at + 2));
    expect([Math.min(...corners.map(([x]) => sure(x))), Math.max(...corners.map(([x]) => sure(x)))]).toEqual([1, 3]);
    expect([Math.min(...corners.map(([, y]) => sure(y))), Math.max(...corners.map(([, y]) => sure(y)))]).toEqual([1, 2]);
  });

  it("takes colours as #rrggbb only", () => {
    expect(rgb("#ef8a2b")).toEqual([239, 138, 43]);
    expect(() => rgb("red")).toThrow(RangeError);
  });
});
