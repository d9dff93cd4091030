/** What the server says of the images of a case, and what the viewer can be asked to do. Millimetres are LPS. */

export type Vec3 = readonly [x: number, y: number, z: number];

/** Voxel (i, j, k) = column, row, slice. */
export interface Grid {
  readonly dimensions: Vec3;
  /** Row-major 4 x 4; maps (i, j, k, 1) to LPS millimetres. */
  readonly affine_lps: readonly number[];
}

/** One picture of a series, in viewing order. */
export interface ImageInfo {
  /** Where its Part-10 file lies in the pack; absent for NIfTI. */
  readonly offset?: number;
  readonly length?: number;
  /** Frame of a multi-frame instance, from 0. */
  readonly frame: number;
  /** InstanceNumber as reports cite it; null when the file has none. */
  readonly number: number | null;
  readonly sop_uid: string;
  readonly rows: number;
  readonly columns: number;
  /** Centre of the first pixel, the row direction (along which columns count) and the column direction. */
  readonly position: Vec3 | null;
  readonly orientation: readonly [number, number, number, number, number, number] | null;
  /** Distance between rows (down a column) and between columns (along a row), as PixelSpacing has them. */
  readonly spacing_mm: readonly [row: number, column: number] | null;
  readonly slope: number;
  readonly intercept: number;
}

export interface MaskClass {
  readonly value: number;
  readonly name: string;
  readonly color: string;
  /** Name of the schema's target that this class belongs to. */
  readonly target: string | null;
  readonly n_voxels: number;
  readonly centre_lps_mm: Vec3 | null;
}

export interface MaskInfo {
  readonly id: number;
  readonly name: string;
  /** Label map on the grid of its series. */
  readonly url: string;
  readonly classes: readonly MaskClass[];
  readonly note: string;
}

export interface SeriesInfo {
  readonly id: number;
  readonly series_uid: string;
  /** Series of one frame share their millimetres; empty or absent where it is not known, as for NIfTI. */
  readonly frame_of_reference_uid?: string;
  readonly number: number | null;
  readonly part: number;
  readonly n_parts: number;
  readonly description: string;
  readonly modality: string;
  readonly source: "dicom" | "nifti";
  /** A volume can be cut in any plane; a stack is shown picture by picture, with its warnings. */
  readonly kind: "volume" | "stack";
  readonly warnings: readonly string[];
  readonly units: "HU" | "stored";
  /** How it is first shown; inverted where small values are white (MONOCHROME1). */
  readonly window: { readonly center: number; readonly width: number; readonly is_inverted?: boolean };
  readonly grid: Grid | null;
  readonly images: readonly ImageInfo[];
  /** The pack of DICOM instances, or the NIfTI file. */
  readonly url: string;
  readonly n_bytes: number;
  readonly thumbnail: string;
  readonly preview: { readonly url: string; readonly image: number };
  readonly masks: readonly MaskInfo[];
}

/** Where a target of the schema lies, from the masks. */
export interface TargetPlace {
  readonly series: number;
  readonly mask: number;
  readonly values: readonly number[];
  readonly centre_lps_mm: Vec3;
}

export interface CaseImages {
  readonly case: number;
  readonly series: readonly SeriesInfo[];
  readonly targets: Readonly<Record<string, TargetPlace>>;
}

export type MeasurementKind = "length" | "ellipse" | "probe";

export interface MeasurementStats {
  readonly units: "HU" | "stored";
  readonly length_mm?: number;
  readonly area_mm2?: number;
  readonly mean?: number;
  readonly sd?: number;
  readonly min?: number;
  readonly max?: number;
  readonly value?: number;
  readonly n_voxels?: number;
}

/** Part of the reading: stored in `body.measurements`. */
export interface Measurement {
  readonly id: string;
  readonly kind: MeasurementKind;
  readonly series: number;
  readonly series_uid: string;
  /** Position in `SeriesInfo.images` when it lies in one picture of the series, else null. */
  readonly image: number | null;
  /** Length: both ends. Ellipse: centre, end of one half-axis, end of the other. Probe: the point. */
  readonly points_lps_mm: readonly Vec3[];
  readonly label: string;
  readonly stats: MeasurementStats;
}

export type ViewerCommand =
  | { readonly do: "scroll"; readonly by: number }
  | { readonly do: "image-edge"; readonly where: "first" | "last" }
  | { readonly do: "preset"; readonly number: number }
  | { readonly do: "tool"; readonly tool: "window" | "pan" | "zoom" | "scroll" | "length" | "ellipse" | "probe" | "crosshairs" }
  | { readonly do: "zoom"; readonly by: number }
  | { readonly do: "series"; readonly by: 1 | -1 }
  | { readonly do: "plane"; readonly by: 1 | -1 }
  | { readonly do: "invert" | "reset" | "maximise" | "compare" | "link" | "mask" | "delete-measurement" | "detach" | "fit" }
  | { readonly do: "mask-opacity"; readonly by: 1 | -1 };

export interface ViewerEvents {
  /** A click in a mask: the target it belongs to, or null with the class name. */
  onPick(target: string | null, className: string): void;
  /** The reader drew, moved or deleted a measurement: the whole list as it is now. */
  onMeasurements(measurements: readonly Measurement[]): void;
  /** Something to tell the reader ("no series 7 in this study"). */
  onTell(message: string): void;
}

/** The image pane. Everything may be called before images have arrived. */
export interface Viewer {
  /** Puts the images of a case on the screen; null when it has none. Measurements are those of the reading. */
  show(images: CaseImages | null, measurements: readonly Measurement[]): void;
  /** Fetches manifest-described first pictures of the next case, so that `show` finds them. */
  prefetch(images: CaseImages): void;
  /** Moves to a picture that a report cites; false when the study has no such picture (and says so by onTell). */
  goToImage(place: { readonly series: number | null; readonly image: number }): boolean;
  /** Moves to the centre of the target's mask and makes its outline stand out; null takes the emphasis away. */
  focusTarget(target: string | null): void;
  setMeasurements(measurements: readonly Measurement[]): void;
  run(command: ViewerCommand): void;
  /** Tells the viewer that its pane has another size. */
  resize(): void;
  readonly element: HTMLElement;
}
