import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchRelease } from "../../static/src/releases/watching";

let answer = { state: "queued", progress: "" };
let status = 200;
let stop: () => void = () => undefined;
const reload = vi.fn<() => void>();
const words = (): string => document.querySelector("p")?.textContent ?? "";

beforeEach(() => {
  vi.useFakeTimers();
  reload.mockClear();
  status = 200;
  answer = { state: "queued", progress: "" };
  vi.stubGlobal("fetch", async () => ({ ok: status < 400, status, json: async () => answer }));
  document.body.innerHTML = `<div data-release-url="/api/x"><p data-release-words>waiting</p></div>`;
  stop = watchRelease(document.querySelector("div") as HTMLElement, reload);
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("says how far the release is and is loaded anew when it is over", async () => {
  await vi.advanceTimersByTimeAsync(1100);
  expect(words()).toBe("Waiting for a worker.");
  answer = { state: "running", progress: "writing parquet" };
  await vi.advanceTimersByTimeAsync(1000);
  expect(words()).toBe("Being frozen: writing parquet");
  expect(reload).not.toHaveBeenCalled();
  answer = { state: "done", progress: "" };
  await vi.advanceTimersByTimeAsync(1000);
  expect(reload).toHaveBeenCalledOnce();
});

it("says so when the server refuses", async () => {
  status = 403;
  await vi.advanceTimersByTimeAsync(1100);
  expect(words()).toContain("does not show this release any more");
});
