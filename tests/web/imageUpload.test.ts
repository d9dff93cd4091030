import { afterEach, describe, expect, it, vi } from "vitest";
import { batches, type Chosen } from "../../static/src/images/chosen";
import { show, watch } from "../../static/src/images/progress";

const chosen = (size: number): Chosen => ({ file: { size } as File, path: `f${size}` });

function page(): HTMLElement {
  document.body.innerHTML = `
    <section data-progress-url="/api/progress"><progress></progress><p data-progress-note></p></section>
    <dd data-count="n_images">0</dd>`;
  return document.querySelector<HTMLElement>("section") as HTMLElement;
}

describe("batches", () => {
  it("hold at most 90 files, in their order", () => {
    const found = batches(Array.from({ length: 200 }, () => chosen(1)));
    expect(found.map((batch) => batch.length)).toEqual([90, 90, 20]);
  });

  it("hold at most 128 MiB; a larger file goes alone", () => {
    const mib = 1024 * 1024;
    const found = batches([chosen(100 * mib), chosen(30 * mib), chosen(500 * mib), chosen(1)]);
    expect(found.map((batch) => batch.map(({ file }) => file.size / mib))).toEqual([[100], [30], [500], [1 / mib]]);
  });

  it("of nothing are none", () => {
    expect(batches([])).toEqual([]);
  });
});

describe("progress", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is shown in the bar, in words and in the counts", () => {
    const element = page();
    show(element, { state: "running", n_done: 1200, n_files: 3000, n_images: 1100 });
    expect(element.querySelector("progress")?.value).toBe(1200);
    expect(element.querySelector("p")?.textContent).toBe(
      `${(1200).toLocaleString()} of ${(3000).toLocaleString()} files are done.`,
    );
    expect(document.querySelector("dd")?.textContent).toBe((1100).toLocaleString());
  });

  it("is asked for until the import has ended, also past a server that does not answer", async () => {
    vi.useFakeTimers();
    const element = page();
    const answers = [
      { ok: true, json: async () => ({ state: "running", n_done: 1, n_files: 2 }) },
      { ok: false, status: 502 },
      { ok: true, json: async () => ({ state: "finished", n_done: 2, n_files: 2 }) },
    ];
    vi.stubGlobal("fetch", vi.fn(async () => answers.shift()));
    const ended = vi.fn();
    watch(element, ended);
    await vi.advanceTimersByTimeAsync(1000);
    expect(element.querySelector("p")?.textContent).toBe("1 of 2 files are done.");
    await vi.advanceTimersByTimeAsync(1000);
    expect(element.querySelector("p")?.textContent).toContain("tries again");
    await vi.advanceTimersByTimeAsync(5000);
    expect(ended).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(3);
  });
});
