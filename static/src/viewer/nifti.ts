/** NIfTI-1 and -2 single files: the header, and slices as the bytes arrive. Geometry comes from the server's manifest. */

import type { Pixels, Slice } from "./voxels";

export interface NiftiHeader {
  readonly dimensions: readonly [columns: number, rows: number, slices: number];
  readonly dataType: number;
  readonly bytesPerVoxel: number;
  readonly offset: number;
  readonly slope: number;
  readonly intercept: number;
  readonly isLittleEndian: boolean;
}

/** Enough for either header. */
export const HEADER_BYTES = 540;

type Make = (buffer: ArrayBuffer) => Pixels;
const TYPES: ReadonlyMap<number, readonly [bytes: number, make: Make]> = new Map<number, readonly [number, Make]>([
  [2, [1, (buffer) => new Uint8Array(buffer)]],
  [256, [1, (buffer) => new Int8Array(buffer)]],
  [4, [2, (buffer) => new Int16Array(buffer)]],
  [512, [2, (buffer) => new Uint16Array(buffer)]],
  [8, [4, (buffer) => new Int32Array(buffer)]],
  [768, [4, (buffer) => new Uint32Array(buffer)]],
  [16, [4, (buffer) => new Float32Array(buffer)]],
  [64, [8, (buffer) => new Float64Array(buffer)]],
]);

/** @throws RangeError saying what was found when this is no NIfTI file that can be shown. */
export function parseHeader(bytes: Uint8Array): NiftiHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 348) throw new RangeError(`a NIfTI header has 348 bytes, this file ${bytes.length}`);
  const size = [true, false].map((little) => ({ little, size: view.getInt32(0, little) })).find((each) => each.size === 348 || each.size === 540);
  if (!size) throw new RangeError(`not a NIfTI file: it starts with ${view.getInt32(0, true)}, not 348 or 540`);
  if (size.size === 540 && bytes.length < 540) throw new RangeError(`a NIfTI-2 header has 540 bytes, this file ${bytes.length}`);
  const fields = size.size === 348 ? readFirst(view, size.little) : readSecond(view, size.little);
  const type = TYPES.get(fields.dataType);
  if (!type) throw new RangeError(`NIfTI data type ${fields.dataType} cannot be shown`);
  if (fields.dimensions.some((each) => !Number.isInteger(each) || each < 1)) {
    throw new RangeError(`a NIfTI volume of ${fields.dimensions.join(" x ")} voxels`);
  }
  return { ...fields, bytesPerVoxel: type[0], isLittleEndian: size.little, ...scaling(fields.slope, fields.intercept) };
}

function readFirst(view: DataView, little: boolean) {
  const size = (axis: number): number => (view.getInt16(40, little) >= axis ? view.getInt16(40 + 2 * axis, little) : 1);
  return {
    dimensions: [size(1), size(2), size(3)] as const,
    dataType: view.getInt16(70, little),
    offset: view.getFloat32(108, little),
    slope: view.getFloat32(112, little),
    intercept: view.getFloat32(116, little),
  };
}

function readSecond(view: DataView, little: boolean) {
  const whole = (at: number): number => Number(view.getBigInt64(at, little));
  const size = (axis: number): number => (whole(16) >= axis ? whole(16 + 8 * axis) : 1);
  return {
    dimensions: [size(1), size(2), size(3)] as const,
    dataType: view.getInt16(12, little),
    offset: whole(168),
    slope: view.getFloat64(176, little),
    intercept: view.getFloat64(184, little),
  };
}

/** A slope of zero, or one that is no number, means that values are stored unscaled. */
function scaling(slope: number, intercept: number): { slope: number; intercept: number } {
  const isScaled = Number.isFinite(slope) && slope !== 0;
  return isScaled ? { slope, intercept: Number.isFinite(intercept) ? intercept : 0 } : { slope: 1, intercept: 0 };
}

/** The voxels in these bytes, in the machine's byte order. Copies. */
export function toPixels(bytes: Uint8Array, header: NiftiHeader): Pixels {
  const type = TYPES.get(header.dataType);
  if (!type) throw new RangeError(`NIfTI data type ${header.dataType} cannot be shown`);
  const copy = bytes.slice();
  const width = header.bytesPerVoxel;
  if (!header.isLittleEndian && width > 1) {
    for (let start = 0; start < copy.length; start += width) copy.subarray(start, start + width).reverse();
  }
  return type[1](copy.buffer);
}

/** Takes bytes in pieces of any size and hands out each slice as soon as it is whole. */
export class SliceReader {
  header: NiftiHeader | null = null;
  private pending: Uint8Array[] = [];
  private nPending = 0;
  private skip = 0;
  private k = 0;
  private readonly onSlice: (k: number, slice: Slice) => void;

  constructor(onSlice: (k: number, slice: Slice) => void) {
    this.onSlice = onSlice;
  }

  get nSlices(): number {
    return this.k;
  }

  push(bytes: Uint8Array): void {
    this.pending.push(bytes);
    this.nPending += bytes.length;
    if (!this.header) {
      if (this.nPending < HEADER_BYTES) return;
      this.start();
    }
    const { header } = this;
    if (!header) return;
    const [columns, rows, slices] = header.dimensions;
    const wanted = columns * rows * header.bytesPerVoxel;
    while (this.k < slices && this.nPending >= this.skip + wanted) {
      this.take(this.skip);
      this.skip = 0;
      const pixels = toPixels(this.take(wanted), header);
      this.onSlice(this.k, { pixels, columns, rows, slope: header.slope, intercept: header.intercept });
      this.k += 1;
    }
  }

  /** Reads the header of a file that is shorter than the longest header. */
  start(): void {
    const head = this.take(this.nPending);
    this.header = parseHeader(head);
    this.pending = [head];
    this.nPending = head.length;
    this.skip = this.header.offset;
  }

  private take(count: number): Uint8Array {
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const first = this.pending[0];
      if (!first) throw new RangeError(`the NIfTI file ends ${count - filled} bytes early`);
      const part = first.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.pending.shift();
      else this.pending[0] = first.subarray(part.length);
    }
    this.nPending -= count;
    return taken;
  }
}

/** Whether these first bytes are of a gzip stream; a server may have unpacked it already. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
