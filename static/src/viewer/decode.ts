/** One picture out of a Part-10 file: uncompressed pixels are taken as they lie, others go to the decoding workers. */

import { parseDicom } from "dicom-parser";
import type { DataSet } from "dicom-parser";
import type { Pixels, Slice } from "./voxels";

const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";

/** What the decoders ask about a frame, under the names that they give it. */
export interface FrameHeader {
  readonly samplesPerPixel: number;
  readonly photometricInterpretation: string;
  readonly planarConfiguration: number;
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly pixelRepresentation: number;
}

export interface EncodedFrame {
  readonly header: FrameHeader;
  readonly syntax: string;
  readonly dataSet: DataSet;
  readonly frame: number;
}

/** Decodes compressed frames; the workers come with it. */
export type Decoder = (encoded: EncodedFrame) => Promise<Pixels>;

function headerOf(dataSet: DataSet): FrameHeader {
  const bitsAllocated = dataSet.uint16("x00280100") ?? 16;
  return {
    samplesPerPixel: dataSet.uint16("x00280002") ?? 1,
    photometricInterpretation: dataSet.string("x00280004") ?? "MONOCHROME2",
    planarConfiguration: dataSet.uint16("x00280006") ?? 0,
    rows: dataSet.uint16("x00280010") ?? 0,
    columns: dataSet.uint16("x00280011") ?? 0,
    bitsAllocated,
    bitsStored: dataSet.uint16("x00280101") ?? bitsAllocated,
    pixelRepresentation: dataSet.uint16("x00280103") ?? 0,
  };
}

function typed(bytes: Uint8Array, header: FrameHeader): Pixels {
  const buffer = bytes.slice().buffer;
  const isSigned = header.pixelRepresentation === 1;
  if (header.bitsAllocated === 8) return isSigned ? new Int8Array(buffer) : new Uint8Array(buffer);
  if (header.bitsAllocated === 16) return isSigned ? new Int16Array(buffer) : new Uint16Array(buffer);
  if (header.bitsAllocated === 32) return isSigned ? new Int32Array(buffer) : new Uint32Array(buffer);
  throw new RangeError(`pixels of ${header.bitsAllocated} bits cannot be shown`);
}

function uncompressed({ dataSet, header, frame }: EncodedFrame): Pixels {
  const element = dataSet.elements["x7fe00010"];
  const size = (header.rows * header.columns * header.samplesPerPixel * header.bitsAllocated) / 8;
  const start = (element?.dataOffset ?? 0) + frame * size;
  if (!element || start + size > element.dataOffset + element.length) {
    throw new RangeError(`the file holds ${element?.length ?? 0} bytes of pixels; picture ${frame + 1} needs ${size} each`);
  }
  const pixels = typed(dataSet.byteArray.subarray(start, start + size), header);
  const unused = header.bitsAllocated - header.bitsStored;
  if (header.pixelRepresentation === 1 && unused > 0) extendSign(pixels, 32 - header.bitsStored);
  return pixels;
}

function extendSign(pixels: Pixels, shift: number): void {
  for (let position = 0; position < pixels.length; position += 1) {
    pixels[position] = ((pixels[position] ?? 0) << shift) >> shift;
  }
}

/** Decoders choose a type by the values they find; one series needs one. */
function unified(pixels: Pixels, header: FrameHeader): Pixels {
  if (header.bitsAllocated !== 16) return pixels;
  const isUnsigned = header.pixelRepresentation === 0;
  if (isUnsigned && header.bitsStored === 16) return pixels instanceof Uint16Array ? pixels : Uint16Array.from(pixels);
  if (pixels instanceof Int16Array) return pixels;
  return pixels instanceof Uint16Array ? new Int16Array(pixels.buffer, pixels.byteOffset, pixels.length) : Int16Array.from(pixels);
}

/** Brightness of a colour picture (ITU-R BT.601), whose first sample already is that in YBR. */
function luminance(pixels: Pixels, header: FrameHeader): Uint8Array {
  const count = header.rows * header.columns;
  const isPlanar = header.planarConfiguration === 1;
  const [stride, next] = isPlanar ? [1, count] : [header.samplesPerPixel, 1];
  const isYbr = header.photometricInterpretation.startsWith("YBR");
  const grey = new Uint8Array(count);
  for (let position = 0; position < count; position += 1) {
    const at = position * stride;
    const first = pixels[at] ?? 0;
    grey[position] = isYbr ? first : 0.299 * first + 0.587 * (pixels[at + next] ?? 0) + 0.114 * (pixels[at + 2 * next] ?? 0);
  }
  return grey;
}

/**
 * The stored values of one frame.
 * @throws RangeError when the file does not hold what it says; whatever the decoder throws for a broken stream.
 */
export async function decodePicture(
  bytes: Uint8Array,
  { frame, slope, intercept, decoder }: { frame: number; slope: number; intercept: number; decoder: () => Promise<Decoder> },
): Promise<Slice> {
  const dataSet = parseDicom(bytes);
  const header = headerOf(dataSet);
  const syntax = dataSet.string("x00020010") ?? IMPLICIT;
  const isPlain = syntax === IMPLICIT || syntax === EXPLICIT;
  const encoded = { header, syntax, dataSet, frame };
  const decoded = isPlain ? uncompressed(encoded) : await (await decoder())(encoded);
  const expected = header.rows * header.columns * header.samplesPerPixel;
  if (decoded.length !== expected) throw new RangeError(`the decoder gave ${decoded.length} values, the picture has ${expected}`);
  const { columns, rows } = header;
  if (header.samplesPerPixel > 1) {
    // The JPEG decoder has turned YBR into RGB; RLE and uncompressed YBR come as they are.
    const known = syntax.includes(".1.2.4.") ? { ...header, photometricInterpretation: "RGB", planarConfiguration: 0 } : header;
    return { pixels: luminance(decoded, known), columns, rows, slope: 1, intercept: 0 };
  }
  return { pixels: unified(decoded, header), columns, rows, slope, intercept };
}
