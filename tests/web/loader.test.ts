import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Refused } from "../../static/src/viewer/fetching";
import { SeriesLoader, readNifti } from "../../static/src/viewer/loader";
import { volume } from "./viewerFixtures";

/** A NIfTI-1 file of 4 x 3 x 2 voxels of 16 bits, by the field table of nifti1.h. */
function nifti(): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(352 + 48));
  view.setInt32(0, 348, true);
  for (const [axis, length] of [3, 4, 3, 2, 1].entries()) view.setInt16(40 + 2 * axis, length, true);
  view.setInt16(70, 4, true);
  view.setFloat32(108, 352, true);
  for (let at = 0; at < 24; at += 1) view.setInt16(352 + 2 * at, 999 * at, true);
  return new Uint8Array(view.buffer);
}
let gzipped = new Uint8Array();
beforeAll(async () => {
  const stream = new Response(nifti()).body?.pipeThrough(new CompressionStream("gzip"));
  gzipped = new Uint8Array(await new Response(stream).arrayBuffer());
});
const packed = (): Uint8Array<ArrayBuffer> => gzipped.slice();
const damaged = (): Uint8Array<ArrayBuffer> => packed().fill(0xff, 20, 40);

/** A body that ends with an error, as a lost network does. */
function lost(bytes: Uint8Array<ArrayBuffer>): Response {
  let isSent = false;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (isSent) controller.error(new TypeError("network error"));
    else controller.enqueue(bytes);
    isSent = true;
  };
  return new Response(new ReadableStream({ pull }));
}

const slices = async (response: Response): Promise<number[]> => {
  const found: number[] = [];
  await readNifti(response, (k) => void found.push(k));
  return found;
};

describe("a NIfTI body", () => {
  it("is read packed or not", async () => {
    expect(await slices(new Response(packed()))).toEqual([0, 1]);
    expect(await slices(new Response(nifti()))).toEqual([0, 1]);
  });

  it.each([
    ["damaged", () => new Response(damaged())],
    ["cut short", () => new Response(packed().subarray(0, 50))],
  ])("that is %s is refused for good", async (_, make) => {
    await expect(slices(make())).rejects.toThrow(Refused);
    await expect(slices(make())).rejects.toThrow(/damaged/);
  });

  it("that the network lost may come another time", async () => {
    await expect(slices(lost(packed().subarray(0, 50)))).rejects.toThrow(TypeError);
  });
});

describe("a series", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function start(answer: () => Promise<Response>) {
    const asked = vi.fn(answer);
    vi.stubGlobal("fetch", asked);
    const loader = new SeriesLoader(volume(1, 2, { source: "nifti" }));
    loader.start();
    return { asked, loader };
  }

  it("whose file is damaged says so and is not asked for again", async () => {
    const { asked, loader } = start(() => Promise.resolve(new Response(damaged())));
    await vi.waitFor(() => expect(loader.state.kind).not.toBe("loading"));
    expect(loader.state).toMatchObject({ kind: "failed", message: expect.stringContaining("damaged") });
    expect(asked).toHaveBeenCalledOnce();
  });

  it("that the network loses is asked for again, less and less often", async () => {
    vi.useFakeTimers();
    const { asked, loader } = start(() => Promise.reject(new TypeError("lost")));
    await vi.advanceTimersByTimeAsync(20_000);
    loader.stop();
    // At 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s.
    expect(asked).toHaveBeenCalledTimes(6);
  });
});
