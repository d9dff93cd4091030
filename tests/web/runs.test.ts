import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addUp } from "../../static/src/runs/adding";
import { Pace, recall, remember } from "../../static/src/runs/pace";
import { captionOf, draw, pointsOf } from "../../static/src/runs/plot";
import { poll, type RunProgress } from "../../static/src/runs/polling";
import { show, watchRow, watchRun } from "../../static/src/runs/watching";
import { aboutText, noteText, rateText } from "../../static/src/runs/words";

function progress(changes: Partial<RunProgress> = {}): RunProgress {
  return {
    state: "running",
    attempt: 1,
    n_reports: 3000,
    n_done: 1200,
    n_labeled: 1190,
    n_failed: 10,
    n_calls: 11_900,
    prompt_tokens: 1_000_000,
    cached_tokens: 800_000,
    generated_tokens: null,
    active_s: 2400,
    reports_per_s: 0.5,
    seconds_left: 3600,
    attendance: "carried",
    n_at_work: 2,
    ...changes,
  };
}

function page(): HTMLElement {
  document.body.innerHTML = `
    <section data-run data-run-url="/api/run" data-run-id="r" data-state="running" data-attempt="1">
      <progress></progress><p data-run-note></p>
      <p data-hint="nobody" hidden></p><p data-hint="elsewhere" hidden></p>
      <figure data-run-plot hidden><svg></svg><figcaption></figcaption></figure>
    </section>
    <table><tr><td data-count="n_calls"></td><td data-each="n_calls"></td></tr>
      <tr><td data-count="cached_tokens"></td><td data-count="generated_tokens">unknown</td></tr></table>`;
  return document.querySelector<HTMLElement>("section") as HTMLElement;
}

const note = (): string => document.querySelector("[data-run-note]")?.textContent ?? "";
const ok = (body: RunProgress) => ({ ok: true, status: 200, json: async () => body });

let isHidden = false;
/** What stops each asking that a test begins. */
const stops: (() => void)[] = [];
const begin = (stop: () => void): (() => void) => {
  stops.push(stop);
  return stop;
};
beforeEach(() => {
  vi.useFakeTimers();
  isHidden = false;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => isHidden);
  window.sessionStorage.clear();
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The last answer is given again and again. */
function answering(...answers: readonly unknown[]): ReturnType<typeof vi.fn> {
  const left = [...answers];
  const fetched = vi.fn(async () => (left.length > 1 ? left.shift() : left[0]));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("words", () => {
  it.each([
    [59, "less than a minute"],
    [60, "about 1 min"],
    [754, "about 13 min"],
    [3569, "about 59 min"],
    [3571, "about 1 h 00 min"],
    [7500, "about 2 h 05 min"],
    [273_600, "about 3 days 4 h"],
  ])("%d seconds are %s", (seconds, said) => expect(aboutText(seconds)).toBe(said));

  it.each([
    [20.66, "1,240 a minute"],
    [0.2, "12 a minute"],
    [0.0567, "3.4 a minute"],
    [0.005, "18.0 an hour"],
  ])("%d reports a second are %s", (perSecond, said) => expect(rateText(perSecond)).toBe(said));

  it("say how far, how fast and how long still, and leave out what nobody knows", () => {
    const said = { nDone: 1200, nReports: 3000, nFailed: 10, perSecond: 0.5, secondsLeft: 3600 };
    expect(noteText(said)).toBe("1,200 of 3,000 reports are done, 10 of them failed. 30 a minute, about 1 h 00 min left.");
    expect(noteText({ ...said, nFailed: 0, secondsLeft: null })).toBe("1,200 of 3,000 reports are done. 30 a minute.");
    expect(noteText({ ...said, nFailed: 0, perSecond: null })).toBe("1,200 of 3,000 reports are done.");
  });
});

describe("pace", () => {
  const seen = (...pairs: readonly (readonly [number, number])[]): Pace => {
    const pace = new Pace();
    for (const [seconds, nDone] of pairs) pace.add({ atMs: 1000 * seconds, nDone });
    return pace;
  };

  it("is that of the last minute, not of the fast beginning", () => {
    // 1,000 in the first 40 s; then from 40 s to 100 s 30 reports: one in two seconds
    expect(seen([0, 0], [40, 1000], [70, 1015], [100, 1030]).lately()).toBeCloseTo(0.5);
  });

  it("is not known after a few seconds or a few reports", () => {
    expect(seen([0, 0], [14, 900]).lately()).toBeNull();
    expect(seen([0, 0], [50, 2]).lately()).toBeNull();
    expect(new Pace().lately()).toBeNull();
  });

  it("begins anew when reports become fewer: another attempt", () => {
    expect(seen([0, 100], [20, 200], [40, 50]).samples).toEqual([{ atMs: 40_000, nDone: 50 }]);
  });

  it("keeps the beginning and the end of hours", () => {
    const pace = new Pace();
    for (let second = 0; second < 20_000; second += 1) pace.add({ atMs: second * 1000, nDone: second });
    expect(pace.samples.length).toBeLessThanOrEqual(600);
    expect(pace.samples[0]?.nDone).toBe(0);
    expect(pace.samples.at(-1)?.nDone).toBe(19_999);
    expect(pace.lately()).toBeCloseTo(1);
  });

  it("is kept in the tab, and what is no sample is left out", () => {
    remember("k", [{ atMs: 1, nDone: 2 }]);
    expect(recall("k")).toEqual([{ atMs: 1, nDone: 2 }]);
    window.sessionStorage.setItem("k", '[1, null, {"atMs": 1}]');
    expect(recall("k")).toEqual([]);
    window.sessionStorage.setItem("k", "{");
    expect(recall("k")).toEqual([]);
  });
});

describe("picture", () => {
  const samples = [
    { atMs: 0, nDone: 10 },
    { atMs: 30_000, nDone: 10 },
    { atMs: 60_000, nDone: 30 },
  ];

  it("runs from the first report seen to the last, flat where nothing was done", () => {
    expect(pointsOf(samples)).toBe("0.0,86.0 300.0,86.0 600.0,4.0");
    expect(captionOf(samples)).toBe("Reports done while this page was open: from 10 to 30 in 1 min 00 s");
  });

  it("shows itself when there is something to see, without style attributes", () => {
    const figure = page().querySelector<HTMLElement>("figure") as HTMLElement;
    draw(figure, samples.slice(0, 2));
    expect(figure.hidden).toBe(true);
    draw(figure, samples);
    expect(figure.hidden).toBe(false);
    expect(figure.querySelectorAll("polyline")).toHaveLength(1);
    expect(figure.innerHTML).not.toContain("style");
  });
});

describe("asking", () => {
  it("is once a second, slower and slower without a server, and soon again with one", async () => {
    const lost = vi.fn();
    const fetched = answering({ ok: false, status: 502 }, { ok: false, status: 502 }, ok(progress()));
    begin(poll("/api/run", 1000, { told: () => true, lost }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(fetched).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1999);
    expect(fetched).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(fetched).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(4000);
    expect(fetched).toHaveBeenCalledTimes(3);
    expect(lost.mock.calls).toEqual([["unreachable"], ["unreachable"]]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(fetched).toHaveBeenCalledTimes(4);
  });

  it("is at least every half minute", async () => {
    const fetched = answering({ ok: false, status: 502 });
    begin(poll("/api/run", 1000, { told: () => true, lost: vi.fn() }));
    await vi.advanceTimersByTimeAsync(600_000);
    fetched.mockClear();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(fetched).toHaveBeenCalledTimes(10);
  });

  it("is seldom while the page is hidden, and at once when it is seen again", async () => {
    const fetched = answering(ok(progress()));
    isHidden = true;
    begin(poll("/api/run", 1000, { told: () => true, lost: vi.fn() }));
    await vi.advanceTimersByTimeAsync(1000);
    fetched.mockClear();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(fetched).toHaveBeenCalledTimes(2);
    fetched.mockClear();
    isHidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it("ends when it was told enough, when it is stopped, and when it is refused", async () => {
    const lost = vi.fn();
    for (const start of [
      () => void begin(poll("/a", 1000, { told: () => false, lost })),
      () => begin(poll("/a", 1000, { told: () => true, lost }))(),
    ]) {
      const fetched = answering(ok(progress()));
      start();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(fetched.mock.calls.length).toBeLessThanOrEqual(1);
    }
    const fetched = answering({ ok: false, status: 401 });
    begin(poll("/a", 1000, { told: () => true, lost }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetched).toHaveBeenCalledOnce();
    expect(lost.mock.calls).toEqual([["refused"]]);
  });
});

describe("page", () => {
  it("shows bar, words, counts and averages, and keeps what it said of the unknown", () => {
    const section = page();
    show(section, progress(), new Pace());
    expect(section.querySelector("progress")?.value).toBe(1200);
    expect(note()).toContain("30 a minute, about 1 h 00 min left.");
    expect(document.querySelector("[data-count=n_calls]")?.textContent).toBe("11,900");
    expect(document.querySelector("[data-each=n_calls]")?.textContent).toBe("10.0");
    expect(document.querySelector("[data-count=cached_tokens]")?.textContent).toBe("800,000 (80.0 %)");
    expect(document.querySelector("[data-count=generated_tokens]")?.textContent).toBe("unknown");
  });

  it("tells the time left by the last minute when the run has become slower", () => {
    const pace = new Pace([
      { atMs: 0, nDone: 1194 },
      { atMs: 60_000, nDone: 1200 },
    ]);
    show(page(), progress(), pace);
    // 6 a minute; 1,800 are left: 300 minutes
    expect(note()).toContain("6.0 a minute, about 5 h 00 min left.");
  });

  it("says that no worker is there only when it was told so twice, and promises no time then", async () => {
    const section = page();
    const alone = progress({ attendance: "nobody", seconds_left: null });
    answering(ok(alone), ok(alone), ok(progress()));
    begin(watchRun(section, vi.fn()));
    const hint = section.querySelector<HTMLElement>("[data-hint=nobody]");
    await vi.advanceTimersByTimeAsync(1000);
    expect(hint?.hidden).toBe(true);
    expect(note()).not.toContain("left");
    await vi.advanceTimersByTimeAsync(1000);
    expect(hint?.hidden).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(hint?.hidden).toBe(true);
  });

  it("is opened anew once, when the run is over", async () => {
    const changed = vi.fn();
    answering(ok(progress()), ok(progress({ state: "complete" })));
    begin(watchRun(page(), changed));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(changed).toHaveBeenCalledOnce();
  });

  it("says that the server is gone, and goes on when it is back", async () => {
    answering({ ok: false, status: 502 }, ok(progress()));
    begin(watchRun(page(), vi.fn()));
    await vi.advanceTimersByTimeAsync(1000);
    expect(note()).toContain("tries again");
    await vi.advanceTimersByTimeAsync(2000);
    expect(note()).toContain("1,200 of 3,000");
  });

  it("of the list changes its own row only", async () => {
    document.body.innerHTML = `<table>
      <tr data-run-url="/api/run" data-state="running"><td><progress></progress></td><td data-count="n_labeled">0</td></tr>
      <tr><td data-count="n_labeled">7</td></tr></table>`;
    answering(ok(progress()));
    begin(watchRow(document.querySelector("tr") as HTMLElement, vi.fn()));
    await vi.advanceTimersByTimeAsync(3000);
    const counts = [...document.querySelectorAll("[data-count]")].map((field) => field.textContent);
    expect(counts).toEqual(["1,190", "7"]);
    expect(document.querySelector("progress")?.max).toBe(3000);
  });
});

describe("what takes long to add up", () => {
  const link = (): HTMLAnchorElement => {
    document.body.innerHTML = `
      <section id="wrong">none yet</section><section id="stages"><a href="/run?stages=1">Add up</a></section><p>rest</p>`;
    return document.querySelector("a") as HTMLAnchorElement;
  };

  it("comes from a page of its own, and the rest stays", async () => {
    const html = `<section id="wrong">5 cells</section><section id="stages">select</section><p>other</p>`;
    answering({ ok: true, text: async () => html });
    await addUp(link());
    expect([...document.querySelectorAll("section")].map((each) => each.textContent)).toEqual(["5 cells", "select"]);
    expect(document.querySelector("p")?.textContent).toBe("rest");
  });

  it("stays a link when the server does not answer", async () => {
    answering({ ok: false, status: 502 });
    const there = link();
    await addUp(there);
    expect(document.querySelector("a")).toBe(there);
    expect(there.hasAttribute("aria-busy")).toBe(false);
  });
});
