import { afterEach, describe, expect, it, vi } from "vitest";
import { Frame } from "../../static/src/viewer/frame";
import { Refused, SignedOut, fetchRange, retryDelay_ms } from "../../static/src/viewer/fetching";
import { dragPoints, liesIn, movedPoints, newMark } from "../../static/src/viewer/marks";
import { countText, findPicture, firstSeries, pictureText, seriesName } from "../../static/src/viewer/places";
import { placementOf, planesOf } from "../../static/src/viewer/plane";
import { nextPiece, outward } from "../../static/src/viewer/ranges";
import { ellipseStats, lengthStats, probeStats, statsText } from "../../static/src/viewer/stats";
import { View } from "../../static/src/viewer/view";
import { dragWindow, presetWindow, presetsFor, quantiles, voiRange, windowText } from "../../static/src/viewer/windowing";
import { caseOf, sure, volume } from "./viewerFixtures";

describe("the order of bytes", () => {
  const images = Array.from({ length: 10 }, (_, k) => ({ offset: 100 * k, length: 100 }));
  const plan = (wanted: number, missing: readonly number[], most_bytes: number, alone = false) =>
    nextPiece(images, { wanted, isMissing: (k) => missing.includes(k), most_bytes, alone });
  const all = images.map((_, k) => k);

  it("starts with the wanted picture alone", () => {
    expect(plan(4, all, 400, true)).toEqual({ start: 400, end: 500, images: [4] });
  });

  it("goes on outward in runs of neighbours", () => {
    expect(plan(4, all.filter((k) => k !== 4), 300)).toEqual({ start: 500, end: 800, images: [5, 6, 7] });
    expect(plan(9, [0, 1, 7, 8], 1000)).toEqual({ start: 700, end: 900, images: [8, 7] });
  });

  it("ends when nothing is missing", () => {
    expect(plan(4, [], 400)).toBeNull();
  });

  it("fetches the frames of one instance once", () => {
    const frames = Array.from({ length: 3 }, () => ({ offset: 50, length: 700 }));
    expect(nextPiece(frames, { wanted: 1, isMissing: () => true, most_bytes: 100, alone: true })).toEqual({ start: 50, end: 750, images: [1] });
    expect(nextPiece(frames, { wanted: 1, isMissing: () => true, most_bytes: 800, alone: false })?.images).toEqual([1, 2, 0]);
  });

  it("is outward from the wanted picture", () => {
    expect(outward(1, 4)).toEqual([1, 2, 0, 3]);
  });
});

describe("fetching", () => {
  afterEach(() => vi.unstubAllGlobals());
  const pause = (): Promise<void> => Promise.resolve();
  const answers = (...list: (Response | Error)[]) => {
    const asked = vi.fn(() => {
      const next = list.shift();
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next ?? new Response("", { status: 500 }));
    });
    vi.stubGlobal("fetch", asked);
    return asked;
  };
  const fetching = () => ({ signal: new AbortController().signal, pause });

  it("survives a lost network, a restarting server and a body that ends early", async () => {
    const failures: number[] = [];
    const asked = answers(new TypeError("lost"), new Response("", { status: 503 }), new Response("ab", { status: 206 }), new Response("abcd", { status: 206 }));
    const bytes = await fetchRange("/x", 4, 8, { ...fetching(), onRetry: (count) => failures.push(count) });
    expect(new TextDecoder().decode(bytes)).toBe("abcd");
    expect(failures).toEqual([1, 2, 3]);
    expect(asked.mock.calls[0]).toMatchObject(["/x", { headers: { Range: "bytes=4-7" } }]);
  });

  it("cuts the range out of a whole file", async () => {
    answers(new Response("0123456789", { status: 200 }));
    expect(new TextDecoder().decode(await fetchRange("/x", 4, 8, fetching()))).toBe("4567");
  });

  it("does not repeat what a signed-out reader or a missing file is told", async () => {
    answers(new Response("", { status: 401 }), new Response("", { status: 404 }));
    await expect(fetchRange("/x", 0, 1, fetching())).rejects.toBeInstanceOf(SignedOut);
    await expect(fetchRange("/x", 0, 1, fetching())).rejects.toBeInstanceOf(Refused);
  });

  it("waits longer each time, up to ten seconds", () => {
    expect([1, 2, 3, 9].map(retryDelay_ms)).toEqual([500, 1000, 2000, 10_000]);
  });
});

describe("windows", () => {
  const DEFAULT = { center: 1, width: 2 };

  it("have the presets of the modality on their numbers", () => {
    const named = (number: number) => presetsFor("HU").find((each) => each.number === number);
    expect(presetWindow(sure(named(1)), DEFAULT, null)).toEqual({ center: 40, width: 400 });
    expect(presetWindow(sure(named(4)), DEFAULT, null)).toEqual({ center: -600, width: 1500 });
    expect(presetWindow(sure(named(0)), DEFAULT, null)).toBe(DEFAULT);
    expect(presetsFor("stored").map(({ name }) => name)).toEqual(["default", "auto", "wide", "narrow"]);
  });

  it("of MR follow the values of the picture", () => {
    const values = Array.from({ length: 1001 }, (_, value) => value);
    const wide = sure(presetsFor("stored").find(({ name }) => name === "wide"));
    expect(presetWindow(wide, DEFAULT, values)).toEqual({ center: 500, width: 1000 });
    expect(quantiles(values, [0.1, 0.5])).toEqual([100, 500]);
    expect(presetWindow(wide, DEFAULT, null)).toBe(DEFAULT);
  });

  it("cover the values that DICOM PS3.3 C.11.2.1.2 says", () => {
    expect(voiRange({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 });
    expect(voiRange({ center: 2048, width: 4096 })).toEqual({ lower: 0, upper: 4095 });
  });

  it("widen to the right and stay above nothing", () => {
    expect(dragWindow({ center: 40, width: 400 }, 256, 0)).toEqual({ center: 40, width: 800 });
    expect(dragWindow({ center: 40, width: 400 }, 0, 256)).toEqual({ center: 240, width: 400 });
    expect(dragWindow({ center: 0, width: 1 }, -1e6, 0).width).toBeGreaterThan(0);
    expect(windowText({ center: 40, width: 400 })).toBe("W 400 L 40");
  });
});

describe("measurements", () => {
  const placement = placementOf(sure(volume(1).images[2]));
  const valueOf = (column: number, row: number): number | null => (column >= 0 && row >= 0 && column < 4 && row < 3 ? 10 * row + column : null);
  const frame = new Frame(placement, { across_mm: 3, down_mm: 0.5, mmPerPixel: 0.1 }, { width: 100, height: 100 });

  it("are millimetres on pixels that are not square", () => {
    expect(lengthStats([[10, 20, 40], [14, 23, 40]], "HU").length_mm).toBe(5);
  });

  it("of a point read the nearest pixel", () => {
    expect(probeStats([12.4, 20.6, 40], placement, valueOf, "HU")).toEqual({ units: "HU", value: 11 });
    expect(probeStats([90, 20, 40], placement, valueOf, "HU")).toEqual({ units: "HU" });
  });

  it("of an ellipse are those of the pixels whose centres it holds", () => {
    // Half-axes 2.1 and 0.4 mm round (14, 20.5): columns 1 to 3 of row 1, whose values are 11, 12 and 13.
    const stats = ellipseStats({ centre: [14, 20.5, 40], ends: [[16.1, 20.5, 40], [14, 20.9, 40]] }, placement, valueOf, "HU");
    expect(stats).toMatchObject({ n_voxels: 3, mean: 12, min: 11, max: 13 });
    expect(stats.sd).toBeCloseTo(Math.sqrt(2 / 3), 9);
    expect(stats.area_mm2).toBeCloseTo(Math.PI * 2.1 * 0.4, 9);
    expect(statsText(stats)[0]).toBe("mean 12.0 HU · sd 0.8");
  });

  it("too small to hold a pixel's centre count the pixel that they lie in", () => {
    const stats = ellipseStats({ centre: [14.9, 20.5, 40], ends: [[15, 20.5, 40], [14.9, 20.6, 40]] }, placement, valueOf, "HU");
    expect(stats).toMatchObject({ n_voxels: 1, mean: 12, sd: 0 });
  });

  it("are drawn from corner to corner and keep their directions when a handle moves", () => {
    const points = dragPoints("ellipse", frame, [60, 60], [20, 40]);
    expect(points).toEqual([frame.toWorld([40, 50]), frame.toWorld([60, 50]), frame.toWorld([40, 60])]);
    const mark = newMark("ellipse", { series: volume(1), image: 2, points, stats: { units: "HU" } });
    const moved = movedPoints(mark, 1, frame.toWorld([40, 80]));
    expect(frame.toScreen(sure(moved[1]))).toEqual([expect.closeTo(70, 9), expect.closeTo(50, 9)]);
    const shifted = movedPoints(mark, 0, frame.toWorld([41, 52]));
    expect(frame.toScreen(sure(shifted[2]))).toEqual([expect.closeTo(41, 9), expect.closeTo(62, 9)]);
  });

  it("are shown in the pictures that they lie in", () => {
    const mark = newMark("length", { series: volume(1), image: null, points: [[10, 20, 42], [12, 20, 42]], stats: { units: "HU" } });
    expect(liesIn(mark, frame, 5)).toBe(true);
    const next = new Frame(sure(planesOf(volume(1))[0]).placement(3), frame.look, frame.size);
    expect(liesIn(mark, next, 5)).toBe(false);
  });
});

describe("places in a study", () => {
  const images = caseOf(volume(3), volume(5, 8));

  it("are found by series and instance number", () => {
    expect(findPicture(images, { series: 3, image: 5 }, null)).toMatchObject({ series: { id: 3 }, picture: 0 });
    expect(findPicture(images, { series: null, image: 8 }, sure(images.series[0]))).toMatchObject({ series: { id: 5 }, picture: 0 });
    expect(findPicture(images, { series: null, image: 1 }, sure(images.series[0]))).toMatchObject({ series: { id: 3 }, picture: 4 });
  });

  it("that are not there are named", () => {
    expect(findPicture(images, { series: 7, image: 1 }, null)).toBe("This study has no series 7.");
    expect(findPicture(images, { series: 3, image: 45 }, null)).toBe("Series 3 has no image 45.");
  });

  it("without instance numbers are counted", () => {
    const bare = volume(1);
    const series = { ...bare, images: bare.images.map((image) => ({ ...image, number: null })) };
    expect(findPicture(caseOf(series), { series: 1, image: 2 }, null)).toMatchObject({ picture: 1 });
    expect(pictureText(series, 1)).toBe("Im 2/5");
  });

  it("have names that tell parts and odd numbers", () => {
    expect(seriesName({ ...volume(3), part: 2, n_parts: 3 })).toBe("Series 3, part 2 of 3");
    expect(countText(volume(3, 1))).toBe("1 image");
    const late = volume(3);
    expect(pictureText({ ...late, images: late.images.map((image) => ({ ...image, number: 267 })) }, 0)).toBe("Im 267 (1/5)");
  });

  it("begin with the series that has masks, then the longest volume", () => {
    expect(firstSeries(images)?.id).toBe(5);
    const masked = volume(3, 5, { masks: [{ id: 1, name: "", url: "", classes: [], note: "" }] });
    expect(firstSeries(caseOf(volume(5, 8), masked))?.id).toBe(3);
    expect(firstSeries(caseOf(volume(1, 90, { kind: "stack", grid: null }), volume(2)))?.id).toBe(2);
  });
});

describe("the frame of the viewer", () => {
  const actions = { run: vi.fn(), pickSeries: vi.fn(), toPicture: vi.fn(), setOpacity: vi.fn() };

  it("lists every series and picks the chosen one", () => {
    const view = new View(actions);
    view.showCase(caseOf(volume(3), volume(5, 8, { description: "Portal venous", warnings: ["Unequal gaps."] })));
    const entries = [...view.element.querySelectorAll<HTMLButtonElement>(".viewer-entry")];
    expect(entries.map(({ textContent }) => textContent)).toEqual([
      expect.stringContaining("Series 3"),
      expect.stringMatching(/Series 5Portal venousCT · 8 images · with a warning/),
    ]);
    sure(entries[1]).click();
    expect(actions.pickSeries).toHaveBeenCalledWith(5);
  });

  it("says that a case has no images", () => {
    const view = new View(actions);
    view.showCase(null);
    expect(view.element.dataset["state"]).toBe("empty");
    expect(view.element.querySelector<HTMLElement>(".viewer-empty")?.hidden).toBe(false);
  });

  it("names every button and tells the picture to those who do not see it", () => {
    const view = new View(actions);
    view.showSeries(volume(3));
    view.showPicture(1, 5, "Im 4/5");
    for (const button of view.element.querySelectorAll("button")) expect(button.getAttribute("aria-label") ?? button.textContent).not.toBe("");
    expect(view.slider.getAttribute("aria-valuetext")).toBe("Im 4/5");
  });
});
