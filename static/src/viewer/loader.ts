/** Fetches and decodes one series: the wanted picture first, then outward; keeps trying until it is all there. */

import { decodePicture } from "./decode";
import type { Decoder } from "./decode";
import { Refused, SignedOut, fetchRange, fetchWithRetry } from "./fetching";
import type { Fetching } from "./fetching";
import { SliceReader, isGzip } from "./nifti";
import { nextPiece } from "./ranges";
import type { ByteImage, Piece } from "./ranges";
import type { SeriesInfo, Vec3 } from "./types";
import { Voxels } from "./voxels";
import type { Slice } from "./voxels";

const LANES = 3;
const PIECE = { images: 12, least_bytes: 262_144, most_bytes: 6 * 2 ** 20 };

export type LoadState =
  | { readonly kind: "idle" | "loading" | "done" }
  | { readonly kind: "waiting"; readonly failures: number }
  | { readonly kind: "failed"; readonly message: string };

export interface LoaderEvents {
  onSlice(k: number): void;
  onState(state: LoadState): void;
}

/** Frees the page for input and drawing between pictures. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

async function compressedDecoder(): Promise<Decoder> {
  return (await import("./workers")).decodeFrame;
}

/**
 * Reads a NIfTI body, gzipped or not, slice by slice.
 *
 * @throws Refused when the file itself cannot be read; what the network throws when that lost the body.
 */
export async function readNifti(response: Response, onSlice: (k: number, slice: Slice) => Promise<void> | void): Promise<void> {
  if (!response.body) throw new Refused("The server sent an empty file.");
  const ready: { k: number; slice: Slice }[] = [];
  const reader = new SliceReader((k, slice) => ready.push({ k, slice }));
  for await (const bytes of unpacked(response.body)) {
    reader.push(bytes);
    for (const { k, slice } of ready.splice(0)) await onSlice(k, slice);
  }
  if (!reader.header) {
    reader.start();
    reader.push(new Uint8Array());
    for (const { k, slice } of ready.splice(0)) await onSlice(k, slice);
  }
  const expected = reader.header?.dimensions[2] ?? 0;
  if (reader.nSlices < expected) throw new Refused(`The NIfTI file ends after slice ${reader.nSlices} of ${expected}.`);
}

type Bytes = Uint8Array<ArrayBuffer>;

async function* chunks(reader: ReadableStreamDefaultReader<Bytes>): AsyncGenerator<Bytes> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

async function* unpacked(body: ReadableStream<Bytes>): AsyncGenerator<Bytes> {
  const source = body.getReader();
  const first = await source.read();
  if (first.done) return;
  if (isGzip(first.value)) return yield* gunzipped(first.value, source);
  yield first.value;
  yield* chunks(source);
}

/** A damaged file and a lost network end a stream alike, so what goes in is watched apart from what comes out. */
async function* gunzipped(first: Bytes, source: ReadableStreamDefaultReader<Bytes>): AsyncGenerator<Bytes> {
  const gunzip = new DecompressionStream("gzip");
  let lost: unknown = null;
  const read = async (): Promise<ReadableStreamReadResult<Bytes>> => {
    try {
      return await source.read();
    } catch (error) {
      lost = error;
      throw error;
    }
  };
  const fill = async (): Promise<void> => {
    const sink = gunzip.writable.getWriter();
    try {
      await sink.write(first);
      for (;;) {
        const { done, value } = await read();
        if (done) return await sink.close();
        await sink.write(value);
      }
    } catch (error) {
      await sink.abort(error).catch(() => undefined);
    }
  };
  void fill();
  try {
    yield* chunks(gunzip.readable.getReader());
  } catch (error) {
    if (lost !== null) throw lost;
    throw new Refused("The file is damaged: it cannot be unpacked.", { cause: error });
  }
}

export class SeriesLoader {
  readonly series: SeriesInfo;
  readonly voxels: Voxels;
  /** Why a picture cannot be shown. */
  readonly broken = new Map<number, string>();
  state: LoadState = { kind: "idle" };
  events: LoaderEvents | null = null;
  private wanted: number;
  private readonly inFlight = new Set<number>();
  private run = { stopping: new AbortController(), lanes: 0 };
  private mostImages = 0;

  constructor(series: SeriesInfo) {
    this.series = series;
    this.wanted = series.preview.image;
    const first = series.images[0];
    const size: Vec3 = [first?.columns ?? 0, first?.rows ?? 0, series.images.length];
    this.voxels = new Voxels(size, series.window, series.images.map(({ slope }) => slope));
  }

  /** The picture that is looked at: it and its neighbours come next. */
  want(picture: number): void {
    this.wanted = picture;
  }

  /** Fetches everything, or with `most` that many pictures round the wanted one. */
  start(most = Infinity): void {
    this.mostImages = Math.max(this.mostImages, most);
    if (this.isDone) return;
    if (this.state.kind === "idle") this.setState({ kind: "loading" });
    const lanes = this.series.source === "nifti" ? 1 : LANES;
    while (this.run.lanes < lanes) void this.runLane(this.run);
  }

  /** Tries again after a failure. */
  retry(): void {
    this.broken.clear();
    this.state = { kind: "idle" };
    this.start();
  }

  stop(): void {
    this.abort();
    this.events = null;
    if (this.state.kind !== "done") this.state = { kind: "idle" };
  }

  get isDone(): boolean {
    return this.voxels.nLoaded + this.broken.size >= this.series.images.length;
  }

  private abort(): void {
    this.run.stopping.abort();
    this.run = { stopping: new AbortController(), lanes: 0 };
    this.inFlight.clear();
  }

  private async runLane(run: { stopping: AbortController; lanes: number }): Promise<void> {
    run.lanes += 1;
    const { signal } = run.stopping;
    try {
      if (this.series.source === "nifti") await this.loadNifti(signal);
      else while (await this.loadPiece(signal));
      if (!signal.aborted && this.isDone && this.state.kind !== "done") this.setState({ kind: "done" });
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    } finally {
      run.lanes -= 1;
    }
  }

  private fail(error: unknown): void {
    if (!(error instanceof SignedOut || error instanceof Refused || error instanceof RangeError || error instanceof TypeError)) throw error;
    this.abort();
    this.setState({ kind: "failed", message: error.message });
  }

  private fetching(signal: AbortSignal): Fetching {
    return { signal, onRetry: (failures) => this.setState({ kind: "waiting", failures }) };
  }

  private async loadPiece(signal: AbortSignal): Promise<boolean> {
    const images = this.series.images as readonly (ByteImage & SeriesInfo["images"][number])[];
    if (this.voxels.nLoaded + this.inFlight.size >= this.mostImages) return false;
    const isMissing = (k: number): boolean => !this.voxels.has(k) && !this.inFlight.has(k) && !this.broken.has(k);
    const each = images[this.wanted]?.length ?? 0;
    const most_bytes = Math.min(PIECE.most_bytes, Math.max(PIECE.least_bytes, each * PIECE.images));
    const alone = this.voxels.nLoaded + this.inFlight.size === 0;
    const piece = nextPiece(images, { wanted: this.wanted, isMissing, most_bytes, alone });
    if (!piece) return false;
    for (const k of piece.images) this.inFlight.add(k);
    try {
      const bytes = await fetchRange(this.series.url, piece.start, piece.end, this.fetching(signal));
      if (this.state.kind === "waiting") this.setState({ kind: "loading" });
      await this.decodePiece(piece, bytes, signal);
    } finally {
      if (!signal.aborted) for (const k of piece.images) this.inFlight.delete(k);
    }
    return !signal.aborted;
  }

  private async decodePiece(piece: Piece, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const decode = async (k: number): Promise<void> => {
      const image = this.series.images[k];
      if (!image || signal.aborted) return;
      const start = (image.offset ?? 0) - piece.start;
      try {
        const { frame, slope, intercept } = image;
        const part = bytes.subarray(start, start + (image.length ?? 0));
        const slice = await decodePicture(part, { frame, slope, intercept, decoder: compressedDecoder });
        if (!signal.aborted) this.put(k, slice);
      } catch (error) {
        // Codecs throw strings, numbers and Errors of their own.
        if (!signal.aborted) this.breakPicture(k, error instanceof Error ? error.message : String(error));
      }
    };
    await Promise.all(piece.images.map(decode));
    await breathe();
  }

  private put(k: number, slice: Slice): void {
    this.voxels.put(k, slice);
    this.events?.onSlice(k);
  }

  private breakPicture(k: number, why: string): void {
    this.broken.set(k, why);
    this.events?.onSlice(k);
  }

  private async loadNifti(signal: AbortSignal): Promise<void> {
    const read = (response: Response): Promise<void> =>
      readNifti(response, async (k, slice) => {
        if (signal.aborted || this.voxels.has(k)) return;
        this.put(k, slice);
        await breathe();
      });
    await fetchWithRetry(this.series.url, {}, read, this.fetching(signal));
  }

  private setState(state: LoadState): void {
    this.state = state;
    this.events?.onState(state);
  }
}
