import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JumpCase, Sitting } from "../../static/src/read/api";
import { openJumpDialog } from "../../static/src/read/view/jumpDialog";
import { openReasonDialog } from "../../static/src/read/view/reasonDialog";
import { summaryView } from "../../static/src/read/view/summary";
import { durationText, localiseTimes, numberText } from "../../static/src/lib/locale";

const TOTAL = 120;
const PAGE = 50;
let asked: URLSearchParams[] = [];

function caseAt(position: number): JumpCase {
  return { case_id: position, key: `R${position}`, position, state: "new", flagged: position === 2, url: `/cases/${position}/` };
}

beforeEach(() => {
  document.body.replaceChildren();
  asked = [];
  vi.useFakeTimers();
  vi.stubGlobal("fetch", (address: string) => {
    const query = new URLSearchParams(address.split("?")[1]);
    asked.push(query);
    const from = Number(query.get("after"));
    const all = Array.from({ length: TOTAL }, (_, place) => caseAt(place + 1)).filter(({ key }) => key.includes(query.get("q") ?? ""));
    const cases = all.filter(({ position }) => position > from).slice(0, PAGE);
    const goesOn = (cases.at(-1)?.position ?? TOTAL) < (all.at(-1)?.position ?? 0);
    return Promise.resolve(new Response(JSON.stringify({ cases, after: goesOn ? String(cases.at(-1)?.position) : null })));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function press(key: string, change: KeyboardEventInit = {}): void {
  (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...change }));
}

describe("the jump list", () => {
  const on = { go: vi.fn<(url: string) => void>(), close: vi.fn<() => void>() };
  const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("#jump-list li")];
  const chosen = (): string => document.querySelector("#jump-list [aria-selected='true'] b")?.textContent ?? "";
  const open = async (): Promise<void> => {
    on.go.mockClear();
    openJumpDialog("/api/jump", 3, on);
    await vi.advanceTimersByTimeAsync(10);
  };

  it("says where one is, what is flagged, and opens what is chosen", async () => {
    await open();
    expect(rows()[1]?.textContent).toContain("flagged");
    expect(rows()[2]?.textContent).toContain("here");
    press("ArrowDown");
    press("ArrowDown");
    press("ArrowUp");
    expect(chosen()).toBe("R2");
    expect(document.activeElement?.getAttribute("aria-activedescendant")).toBe("jump-2");
    press("Enter");
    expect(on.go).toHaveBeenCalledWith("/cases/2/");
    expect(document.querySelector("dialog")).toBeNull();
  });

  it("filters by what is typed, once typing pauses", async () => {
    await open();
    const field = document.activeElement as HTMLInputElement;
    for (const text of ["1", "11", "117"]) {
      field.value = text;
      field.dispatchEvent(new Event("input"));
    }
    await vi.advanceTimersByTimeAsync(300);
    expect(asked.map((query) => query.get("q"))).toEqual(["", "117"]);
    expect(rows().map((row) => row.id)).toEqual(["jump-117"]);
  });

  it("brings further pages as they are reached, each once", async () => {
    await open();
    for (let step = 0; step < TOTAL + 5; step += 1) {
      press("ArrowDown");
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(chosen()).toBe("R120");
    expect(rows()).toHaveLength(TOTAL);
    expect(asked.map((query) => query.get("after"))).toEqual(["0", "50", "100"]);
  });
});

describe("skipping", () => {
  const on = { skip: vi.fn<(why: { reason: string; note: string }) => void>(), close: vi.fn<() => void>() };
  beforeEach(() => {
    on.skip.mockClear();
    const reasons = [
      { reason: "later", says: "read it later" },
      { reason: "other", says: "another reason" },
    ];
    const script = document.createElement("script");
    script.id = "skip-reasons";
    script.type = "application/json";
    script.textContent = JSON.stringify(reasons);
    document.body.append(script);
    openReasonDialog({ title: "Skip", lead: "", accept: "Skip", reasons: "skip-reasons" }, { accept: on.skip, close: on.close });
  });

  it("takes the first reason with the chord alone", () => {
    press("Enter", { ctrlKey: true });
    expect(on.skip).toHaveBeenCalledWith({ reason: "later", note: "" });
  });

  it("needs words for another reason", () => {
    press("2");
    press("Enter", { ctrlKey: true });
    expect(on.skip).not.toHaveBeenCalled();
    const note = document.querySelector("textarea") as HTMLTextAreaElement;
    note.value = " known to me ";
    note.dispatchEvent(new Event("input"));
    press("Enter", { ctrlKey: true });
    expect(on.skip).toHaveBeenCalledWith({ reason: "other", note: "known to me" });
  });
});

describe("the summary", () => {
  const sitting: Sitting = {
    cases: [{ key: "R1", seconds: 95, submitted_at: "2026-03-02T09:00:00Z" }],
    n_cases: 2,
    n_skipped: 1,
    total_seconds: 3700,
    median_seconds: 61,
  };
  const figures = (of: Sitting, open: number): string[] => {
    document.body.replaceChildren(...summaryView(of, open));
    return [...document.querySelectorAll(".figures dd")].map((entry) => entry.textContent ?? "");
  };

  it("says how many, how long, and adds the case on the screen to the time only", () => {
    expect(figures(sitting, 65)).toEqual(["2", "1 h 02 min", "1 min 01 s", "30 min 50 s", "1"]);
    expect(document.querySelector("tbody")?.textContent).toContain("1 min 35 s");
  });

  it("has no median of nothing", () => {
    expect(figures({ cases: [], n_cases: 0, n_skipped: 0, total_seconds: 0, median_seconds: null }, 0)).toEqual(["0", "0 s", "–", "–", "0"]);
  });
});

describe("the reader's locale", () => {
  it("writes numbers and durations", () => {
    vi.stubGlobal("navigator", { language: "de-DE" });
    expect([numberText(12345), numberText(0.5, 2)]).toEqual(["12.345", "0,50"]);
    expect([durationText(45), durationText(90), durationText(3660)]).toEqual(["45 s", "1 min 30 s", "1 h 01 min"]);
  });

  it("rewrites times of the server and leaves the moment", () => {
    vi.stubGlobal("navigator", { language: "de-DE" });
    document.body.innerHTML = '<time datetime="2026-03-02T09:00:00Z">2026-03-02 09:00</time><time datetime="soon">soon</time>';
    localiseTimes(document);
    const [moment, none] = document.querySelectorAll("time");
    expect(moment?.textContent).toMatch(/^0?[123]\.0?3\.2026/);
    expect([moment?.dateTime, none?.textContent]).toEqual(["2026-03-02T09:00:00Z", "soon"]);
  });
});
