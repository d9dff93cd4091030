/**
 * Cornerstone, once for the page: one rendering engine, and a stack viewport for each pane. Geometry and windows are
 * handed over with each picture; nothing of ours is read back from Cornerstone, so neither its imageToWorldCoords
 * (which swaps row and column spacing) nor the half pixel between its two renderers reaches a measurement.
 */

import { Enums, RenderingEngine, getRenderingCapabilities, getShouldUseCPURendering, init, metaData } from "@cornerstonejs/core";
import type { Types } from "@cornerstonejs/core";
import { add, cross, scale } from "./geometry";
import type { Placement } from "./plane";
import type { Vec3 } from "./types";
import type { Shown } from "./voxels";

/** What part of a picture a pane shows: its middle in LPS millimetres and the size of a CSS pixel. */
export interface View {
  readonly centre: Vec3;
  readonly mmPerPixel: number;
}

export interface Picture {
  readonly shown: Shown;
  readonly placement: Placement;
  readonly modality: string;
  /** Pixel values that are drawn black and white. */
  readonly range: { readonly lower: number; readonly upper: number };
  readonly isInverted: boolean;
}

const ENGINE = "overread";
const placements = new Map<string, { placement: Placement; modality: string }>();

function provide(type: string, query: unknown): object | undefined {
  const known = typeof query === "string" ? placements.get(query) : undefined;
  if (!known) return undefined;
  const { placement, modality } = known;
  switch (type) {
    case Enums.MetadataModules.IMAGE_PLANE:
      return {
        frameOfReferenceUID: "",
        rows: placement.rows,
        columns: placement.columns,
        imageOrientationPatient: [...placement.right, ...placement.down],
        rowCosines: [...placement.right],
        columnCosines: [...placement.down],
        imagePositionPatient: [...placement.origin],
        pixelSpacing: [placement.rowStep_mm, placement.columnStep_mm],
        rowPixelSpacing: placement.rowStep_mm,
        columnPixelSpacing: placement.columnStep_mm,
        usingDefaultValues: false,
      };
    case Enums.MetadataModules.IMAGE_PIXEL:
      return {
        samplesPerPixel: 1,
        photometricInterpretation: "MONOCHROME2",
        rows: placement.rows,
        columns: placement.columns,
        bitsAllocated: 16,
        bitsStored: 16,
        highBit: 15,
        pixelRepresentation: 1,
      };
    case Enums.MetadataModules.GENERAL_SERIES:
      return { modality };
    default:
      return undefined;
  }
}

let engine: RenderingEngine | null = null;

/** Software WebGL draws slower than Cornerstone's own renderer without WebGL, so it counts as none. */
function started(useCpu: boolean | null): RenderingEngine {
  if (engine) return engine;
  const capabilities = getRenderingCapabilities();
  const useCPURendering = useCpu ?? (!capabilities.webgl || capabilities.softwareRasterizer);
  init({ debug: { statsOverlay: false }, rendering: { useCPURendering } });
  metaData.addProvider(provide, 10_000);
  engine = new RenderingEngine(ENGINE);
  return engine;
}

/** A pane's viewport. Its element must have a size before the first picture. */
export class Screen {
  private readonly id: string;
  private readonly element: HTMLDivElement;
  private readonly isCpu: boolean;
  private readonly viewport: Types.IStackViewport;
  private shape = "";
  private size = "";

  constructor(id: string, element: HTMLDivElement, useCpu: boolean | null) {
    this.id = id;
    this.element = element;
    const running = started(useCpu);
    this.isCpu = getShouldUseCPURendering();
    running.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element, defaultOptions: { background: [0, 0, 0] } });
    this.viewport = running.getViewport(id) as Types.IStackViewport;
    // The first to ask decides: pixels that come from memory are drawn in memory.
    this.viewport.canvas.getContext("2d", { willReadFrequently: this.isCpu });
  }

  get renderer(): "cpu" | "webgl" {
    return this.isCpu ? "cpu" : "webgl";
  }

  show(picture: Picture, view: View): void {
    const { placement, modality, range, isInverted } = picture;
    const imageId = `overread:${this.id}`;
    placements.set(imageId, { placement, modality });
    this.fitCanvas();
    const { right, down, columns, rows, columnStep_mm, rowStep_mm } = placement;
    const shape = [columns, rows, columnStep_mm, rowStep_mm, ...right, ...down].join();
    if (this.isCpu && shape !== this.shape) this.viewport.setUseCPURendering(true);
    this.shape = shape;
    this.viewport.renderImageObject(imageOf(imageId, picture));
    this.viewport.setProperties({ voiRange: { ...range }, invert: isInverted }, true);
    this.look(placement, view);
    this.viewport.render();
  }

  /** Draws nothing until the next picture. */
  forget(): void {
    this.shape = "";
  }

  private look(placement: Placement, { centre, mmPerPixel }: View): void {
    const normal = cross(placement.right, placement.down);
    if (!this.isCpu) {
      const position = add(centre, scale(normal, -200));
      const parallelScale = (this.element.clientHeight * mmPerPixel) / 2;
      this.viewport.setCamera({ focalPoint: [...centre], position: [...position], parallelScale });
      return;
    }
    // Without WebGL whole numbers are the corners of pixels, and the scale is in canvas pixels per shorter pixel side.
    const { canvas } = this.viewport;
    const perCss = canvas.width / (this.element.clientWidth || 1);
    const { columnStep_mm, rowStep_mm, right, down } = placement;
    const focal = add(add(centre, scale(right, columnStep_mm / 2)), scale(down, rowStep_mm / 2));
    this.viewport.setCamera({ scale: (Math.min(columnStep_mm, rowStep_mm) / mmPerPixel) * perCss });
    this.viewport.setCamera({ focalPoint: [...focal] });
  }

  private fitCanvas(): void {
    const { clientWidth, clientHeight } = this.element;
    const size = `${clientWidth} ${clientHeight} ${window.devicePixelRatio}`;
    if (size === this.size) return;
    this.size = size;
    engine?.resize(true, false);
  }
}

function imageOf(imageId: string, { shown, placement, range }: Picture): Types.IImage {
  const { pixels, columns, rows } = shown;
  return {
    imageId,
    minPixelValue: -32_768,
    maxPixelValue: 32_767,
    slope: 1,
    intercept: 0,
    windowCenter: (range.lower + range.upper + 1) / 2,
    windowWidth: range.upper - range.lower + 1,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    getPixelData: () => pixels,
    getCanvas: () => document.createElement("canvas"),
    rows,
    columns,
    height: rows,
    width: columns,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    columnPixelSpacing: placement.columnStep_mm,
    rowPixelSpacing: placement.rowStep_mm,
    invert: false,
    photometricInterpretation: "MONOCHROME2",
    sizeInBytes: pixels.byteLength,
    dataType: "Int16Array",
    voxelManager: { getScalarData: () => pixels } as unknown as Types.IVoxelManager<number>,
  };
}
