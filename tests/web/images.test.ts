import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ImagePane } from "../../static/src/read/images";
import type { RemoteViewer } from "../../static/src/read/images";
import type { CaseImages, Measurement, Viewer, ViewerEvents } from "../../static/src/viewer/types";
import { buildTemplate } from "./template";

const MEASURED: Measurement = {
  id: "m",
  kind: "probe",
  series: 1,
  series_uid: "1.2",
  image: 0,
  points_lps_mm: [[0, 0, 0]],
  label: "",
  stats: { units: "HU", value: 7 },
};

/** Notes what it is asked, as a viewer would be. */
class Noting implements Viewer {
  readonly element = document.createElement("div");
  readonly asked: string[] = [];
  show(images: CaseImages | null): void {
    this.asked.push(`show ${images?.case ?? "nothing"}`);
  }
  prefetch(images: CaseImages): void {
    this.asked.push(`prefetch ${images.case}`);
  }
  goToImage(place: { series: number | null; image: number }): boolean {
    this.asked.push(`image ${place.image}`);
    return true;
  }
  focusTarget(target: string | null): void {
    this.asked.push(`target ${target}`);
  }
  setMeasurements(measurements: readonly Measurement[]): void {
    this.asked.push(`measurements ${measurements.length}`);
  }
  run(): void {
    this.asked.push("run");
  }
  resize(): void {
    this.asked.push("resize");
  }
}

let viewer = new Noting();
let inside: ViewerEvents | null = null;
let answers = new Map<string, () => Promise<Response>>();
const events = {
  onCase: vi.fn<(has: boolean) => void>(),
  onPick: vi.fn<() => void>(),
  onTell: vi.fn<(message: string) => void>(),
  onMeasurements: vi.fn<(list: readonly Measurement[]) => void>(),
};
const caseWith = (id: number): { images: { n_series: number }; urls: { images: string } } => ({ images: { n_series: 1 }, urls: { images: `/i/${id}` } });
const manifest = (id: number): Response => new Response(JSON.stringify({ case: id, series: [], targets: {} }));
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  buildTemplate();
  viewer = new Noting();
  answers = new Map([1, 2].map((id) => [`/i/${id}`, () => Promise.resolve(manifest(id))]));
  for (const mock of Object.values(events)) mock.mockClear();
  vi.stubGlobal("fetch", (url: string) => (answers.get(url) ?? (() => Promise.reject(new TypeError("offline"))))());
});
afterEach(() => vi.unstubAllGlobals());

function pane(): ImagePane {
  return new ImagePane(events, (_host, given) => {
    inside = given;
    return Promise.resolve(viewer);
  });
}

describe("the image pane", () => {
  it("shows the case, then what was asked for before it came", async () => {
    const images = pane();
    images.open(caseWith(1), []);
    images.focusTarget("liver");
    expect(images.goToImage({ series: 3, image: 45 })).toBe(true);
    await settle();
    expect(viewer.asked).toEqual(["show 1", "target liver", "image 45"]);
  });

  it("loads no viewer for a case without images, and says so when asked for one", async () => {
    const images = pane();
    images.open({ images: null, urls: { images: "/i/9" } }, []);
    expect(images.goToImage({ series: null, image: 1 })).toBe(false);
    await settle();
    expect(viewer.asked).toEqual([]);
    expect(events.onCase).toHaveBeenCalledWith(false);
    expect(events.onTell).toHaveBeenCalledWith("This case has no images.");
  });

  it("never leaves the pictures of one case beside the report of another", async () => {
    const images = pane();
    images.open(caseWith(1), []);
    await settle();
    let late: (value: Response) => void = () => undefined;
    answers.set("/i/2", () => new Promise((resolve) => (late = resolve)));
    images.open(caseWith(2), []);
    expect(viewer.asked.at(-1)).toBe("show nothing");
    images.open({ images: null, urls: { images: "/i/9" } }, []);
    late(manifest(2));
    await settle();
    expect(viewer.asked).not.toContain("show 2");
  });

  it("has the next case ready and does not ask for it twice", async () => {
    const images = pane();
    images.open(caseWith(1), []);
    await images.ahead(caseWith(2));
    answers.delete("/i/2");
    images.open(caseWith(2), []);
    await settle();
    expect(viewer.asked).toEqual(["show 1", "prefetch 2", "show nothing", "show 2"]);
  });

  it("takes measurements from the viewer and gives it only those it does not have", async () => {
    const images = pane();
    images.open(caseWith(1), []);
    await settle();
    const drawn = [MEASURED];
    inside?.onMeasurements(drawn);
    expect(events.onMeasurements).toHaveBeenCalledWith(drawn);
    images.setMeasurements(drawn);
    images.setMeasurements([]);
    expect(viewer.asked).toEqual(["show 1", "measurements 0"]);
  });

  it("says that images cannot be had, and tries again on request", async () => {
    answers.set("/i/1", () => Promise.reject(new TypeError("offline")));
    const images = pane();
    images.open(caseWith(1), []);
    await settle();
    const message = document.querySelector<HTMLElement>(".image-message");
    expect(message?.textContent).toContain("could not be loaded");
    answers.set("/i/1", () => Promise.resolve(manifest(1)));
    message?.querySelector("button")?.click();
    await settle();
    expect(viewer.asked).toEqual(["show 1"]);
    expect(message?.hidden).toBe(true);
  });

  it("hands over to another window and takes back", async () => {
    const images = pane();
    images.open(caseWith(1), []);
    await settle();
    const asked: string[] = [];
    const remote: RemoteViewer = {
      open: (list) => void asked.push(`open ${list.length}`),
      ahead: (url) => void asked.push(`ahead ${url}`),
      goToImage: () => true,
      focusTarget: (target) => void asked.push(`target ${target}`),
      setMeasurements: (list) => void asked.push(`measurements ${list.length}`),
      run: () => undefined,
    };
    images.lead(remote);
    images.focusTarget("liver");
    await images.ahead(caseWith(2));
    images.fromRemote([MEASURED]);
    expect(events.onMeasurements).toHaveBeenCalledWith([MEASURED]);
    expect(asked).toEqual(["open 0", "target liver", "ahead /i/2"]);
    images.lead(null);
    await settle();
    expect(viewer.asked.slice(-2)).toEqual(["show 1", "target liver"]);
    images.fromRemote([]);
    expect(events.onMeasurements).toHaveBeenCalledOnce();
  });
});
