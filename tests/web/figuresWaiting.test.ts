import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchFigures } from "../../static/src/figures/waiting";

const SECOND = 1000;
let state = "queued";
let status = 200;
let stop: () => void = () => undefined;
const reload = vi.fn<() => void>();

function page(shown = ""): HTMLElement {
  document.body.innerHTML = `<div data-figures-url="/api/figures/1" ${shown}>
    <p data-figures-waiting>Waiting.</p><p data-figures-unattended hidden></p></div>`;
  return document.querySelector("div") as HTMLElement;
}

const watch = (section: HTMLElement): void => {
  stop = watchFigures(section, { reload, nowMs: () => Date.now() });
};
const text = (name: string): string => document.querySelector(`[data-figures-${name}]`)?.textContent ?? "";
const isHidden = (): boolean => document.querySelector<HTMLElement>("[data-figures-unattended]")?.hidden === true;

beforeEach(() => {
  vi.useFakeTimers();
  reload.mockClear();
  state = "queued";
  status = 200;
  vi.stubGlobal("fetch", async () => {
    if (status === 0) throw new TypeError("refused");
    return { ok: status < 400, status, json: async () => ({ state }) };
  });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a page that waits for figures", () => {
  it("is loaded anew when there are none on it", async () => {
    watch(page());
    await vi.advanceTimersByTimeAsync(1.5 * SECOND);
    expect(reload).not.toHaveBeenCalled();
    state = "done";
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(reload).toHaveBeenCalledOnce();
  });

  it("keeps the figures on it and offers the newer ones", async () => {
    watch(page("data-figures-shown"));
    state = "running";
    await vi.advanceTimersByTimeAsync(1.5 * SECOND);
    expect(text("waiting")).toBe("Newer figures are being computed.");
    state = "done";
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(text("waiting")).toBe("Newer figures are there. Show them");
    expect(document.querySelector("a")?.getAttribute("href")).toBe(window.location.pathname);
    expect(reload).not.toHaveBeenCalled();
  });

  it("says that newer figures could not be computed", async () => {
    watch(page("data-figures-shown"));
    state = "failed";
    await vi.advanceTimersByTimeAsync(1.5 * SECOND);
    expect(text("waiting")).toContain("could not be computed");
  });

  it("says after half a minute that nobody takes them, until somebody does", async () => {
    watch(page());
    await vi.advanceTimersByTimeAsync(29 * SECOND);
    expect(isHidden()).toBe(true);
    await vi.advanceTimersByTimeAsync(3 * SECOND);
    expect(isHidden()).toBe(false);
    expect(text("unattended")).toContain("manage.py serve");
    state = "running";
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(isHidden()).toBe(true);
  });

  it("says that the server is away, and goes on when it is back", async () => {
    watch(page());
    status = 0;
    await vi.advanceTimersByTimeAsync(1.5 * SECOND);
    expect(text("waiting")).toContain("cannot be reached");
    status = 200;
    await vi.advanceTimersByTimeAsync(3 * SECOND);
    expect(text("waiting")).toBe("Waiting for a worker to compute the figures.");
  });

  it("says that the session is over", async () => {
    watch(page());
    status = 401;
    await vi.advanceTimersByTimeAsync(1.5 * SECOND);
    expect(text("waiting")).toContain("sign in again");
  });
});
