import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Panes, defaultShares, fitted } from "../../static/src/read/panes";
import { Preferences } from "../../static/src/read/preferences";
import type { PreferenceData } from "../../static/src/read/preferences";
import { buildTemplate } from "./template";

const WIDTH = 1614;
let puts: PreferenceData[] = [];

beforeEach(() => {
  buildTemplate();
  puts = [];
  vi.useFakeTimers();
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    puts.push(JSON.parse(String(init.body)) as PreferenceData);
    return Promise.resolve(new Response("{}"));
  });
  Object.defineProperty(byId("main"), "clientWidth", { value: WIDTH, configurable: true });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const share = (name: string): number => Number.parseFloat(byId("main").style.getPropertyValue(name));

function press(id: string, key: string, change: KeyboardEventInit = {}): void {
  byId(id).dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, ...change }));
}

describe("widths", () => {
  it.each([1280, 1920, 2560, 3840])("leave every pane enough room at %d pixels", (width) => {
    for (const set of ["report", "image"] as const) {
      const [report = 0, cells = 0] = fitted(defaultShares(set, width), width);
      expect(report * width).toBeGreaterThanOrEqual(220);
      expect(cells * width).toBeGreaterThanOrEqual(430);
      expect((1 - report - cells) * width).toBeGreaterThanOrEqual(300);
    }
  });

  it("give the report or the image the larger part", () => {
    const [report = 0, cells = 0] = defaultShares("report", 1920);
    const [narrow = 0, same = 0] = defaultShares("image", 1920);
    expect(report).toBeGreaterThan(1 - report - cells);
    expect(1 - narrow - same).toBeGreaterThan(narrow);
  });

  it("stay usable whatever is asked", () => {
    for (const asked of [[0, 0], [1, 1], [0.9, 0.05], [-3, 9]]) {
      const [report = 0, cells = 0] = fitted(asked, 1280);
      expect(report + cells).toBeLessThan(1);
      expect(Math.min(report, cells, 1 - report - cells)).toBeGreaterThan(0.1);
    }
  });
});

describe("panes", () => {
  it("show the images only where there are some and they are not elsewhere", () => {
    const panes = new Panes(new Preferences({}), () => undefined);
    expect([byId("image-pane").hidden, panes.set]).toEqual([true, "text"]);
    panes.show({ hasImages: true });
    expect([byId("image-pane").hidden, panes.set]).toEqual([false, "image"]);
    panes.show({ isDetached: true });
    expect([byId("image-pane").hidden, panes.set]).toEqual([true, "two"]);
  });

  it("are moved by arrows, and the width is kept on the server for this layout", async () => {
    const preferences = new Preferences({ layout: "report" });
    const panes = new Panes(preferences, () => undefined);
    panes.show({ hasImages: true });
    const before = share("--report");
    press("split-report", "ArrowRight", { shiftKey: true });
    expect(share("--report")).toBeCloseTo(before + 10, 1);
    expect(byId("split-report").getAttribute("aria-valuenow")).toBe(String(Math.round(share("--report"))));
    await vi.advanceTimersByTimeAsync(600);
    expect(puts).toHaveLength(1);
    expect(puts[0]?.panes?.report?.[0]).toBeCloseTo(share("--report") / 100, 3);
    expect(puts[0]?.panes?.image).toBeUndefined();
  });

  it("move only their own line", () => {
    const panes = new Panes(new Preferences({}), () => undefined);
    panes.show({ hasImages: true });
    const report = share("--report");
    press("split-image", "ArrowRight");
    expect(share("--report")).toBeCloseTo(report, 2);
    const line = share("--report") + share("--cells");
    press("split-report", "ArrowLeft");
    expect(share("--report") + share("--cells")).toBeCloseTo(line, 2);
  });

  it("go back to their first widths with Enter", () => {
    const panes = new Panes(new Preferences({ panes: { image: [0.4, 0.3] } }), () => undefined);
    panes.show({ hasImages: true });
    expect(share("--report")).toBeCloseTo(40, 1);
    press("split-report", "Enter");
    expect(share("--report")).toBeCloseTo((defaultShares("image", WIDTH - 14)[0] ?? 0) * 100, 1);
  });
});

describe("preferences", () => {
  it("are sent together a moment after the last change, and again when the server had none of it", async () => {
    const preferences = new Preferences({});
    preferences.set({ layout: "image" });
    preferences.set({ tour_done: true });
    await vi.advanceTimersByTimeAsync(600);
    expect(puts).toEqual([{ layout: "image", tour_done: true }]);
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
    preferences.set({ layout: "report" });
    await vi.advanceTimersByTimeAsync(600);
    vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
      puts.push(JSON.parse(String(init.body)) as PreferenceData);
      return Promise.resolve(new Response("{}"));
    });
    preferences.set({ tour_done: false });
    await vi.advanceTimersByTimeAsync(600);
    expect(puts.at(-1)).toEqual({ layout: "report", tour_done: false });
  });
});
