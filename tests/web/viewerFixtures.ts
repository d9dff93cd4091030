import type { CaseImages, Grid, ImageInfo, SeriesInfo, Vec3 } from "../../static/src/viewer/types";

/** A volume of `slices` pictures of 4 columns by 3 rows, 2 mm between columns, 0.5 mm between rows, 5 mm between slices. */
export function volume(id: number, slices = 5, changes: Partial<SeriesInfo> = {}): SeriesInfo {
  const image = (k: number): ImageInfo => ({
    offset: k * 100, length: 100, frame: 0, number: slices - k, sop_uid: `1.${k}`, rows: 3, columns: 4, slope: 1, intercept: 0,
    position: [10, 20, 30 + 5 * k], orientation: [1, 0, 0, 0, 1, 0], spacing_mm: [0.5, 2],
  });
  return {
    id, series_uid: `1.2.${id}`, number: id, part: 1, n_parts: 1, description: "", modality: "CT", source: "dicom", kind: "volume",
    warnings: [], units: "HU", window: { center: 40, width: 400 }, grid: grid(slices), images: Array.from({ length: slices }, (_, k) => image(k)),
    url: `/pack/${id}`, n_bytes: slices * 100, thumbnail: "/t.png", preview: { url: "/p.png", image: 2 }, masks: [],
    ...changes,
  } as SeriesInfo;
}

export function grid(slices: number): Grid {
  return { dimensions: [4, 3, slices], affine_lps: [2, 0, 0, 10, 0, 0.5, 0, 20, 0, 0, 5, 30, 0, 0, 0, 1] };
}

export function caseOf(...series: readonly SeriesInfo[]): CaseImages {
  return { case: 1, series, targets: {} };
}

export function close(found: Vec3, wanted: Vec3, within = 1e-9): boolean {
  return found.every((part, axis) => Math.abs(part - (wanted[axis] ?? NaN)) <= within);
}

/** What a test knows to be there. */
export function sure<T>(found: T | null | undefined): T {
  if (found === null || found === undefined) throw new Error("what the test looks for is not there");
  return found;
}
