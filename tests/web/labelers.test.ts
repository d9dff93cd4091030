import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { agreementOf, differingCells, sayingsOf, scoresOf, takeOver } from "../../static/src/read/labelers";
import { KeyMap } from "../../static/src/read/keymap";
import { ReadingPage } from "../../static/src/read/page";
import { startState } from "../../static/src/read/state";
import type { CasePayload, MachineCell, OtherRun } from "../../static/src/read/types";
import { ABDOMEN, abdomen, cellOf, labels, payload, urlsOf } from "./helpers";
import { buildTemplate } from "./template";

const KEY = "liver|focal";
const FOCAL = cellOf(KEY);
const ATROPHY = cellOf("pancreas|atrophy");
const CYST: MachineCell = { evidence: [[59, 66]], reason: "a hepatic thing", flags: ["hedged"] };

/** A run that says `cells` and, of others, `fill`. */
function run(name: string, cells: Readonly<Record<string, string>>, more: Readonly<Record<string, MachineCell>> = {}, fill = "."): OtherRun {
  const { values, urgencies } = labels(cells, fill);
  return { run: name, labeler: name, name: `${name} · Qwen`, options: [], started_at: "2026-03-02T10:00:00+00:00", values, urgencies, cells: more };
}

const FAST = run("leavs-fast", { [KEY]: "+3", "spleen|normal": "+" }, { [KEY]: CYST });
const MAPLEZ = run("maplez", { [KEY]: "?", "spleen|normal": "+" }, { [KEY]: { probability: 0.62 } });
const QUERY = run("direct-query", { [KEY]: "0" }, { [KEY]: { logit_difference: -1.53125 } }, "_");
const BROKEN = run("leavs", { [KEY]: "!", "spleen|normal": "+" });
const ALL = [FAST, MAPLEZ, QUERY, BROKEN];

describe("what runs say of a cell", () => {
  it("comes with what differs from the pre-fill first, and counts who was not asked", () => {
    const names = (index: number, key: string, prefilled: string): string[] =>
      sayingsOf(ALL, index, key, prefilled).asked.map(({ run: { labeler } }) => labeler);
    expect(names(FOCAL, KEY, "+")).toEqual(["maplez", "direct-query", "leavs", "leavs-fast"]);
    // Absent and not mentioned are nearer to each other than to anything else.
    expect(names(FOCAL, KEY, ".")).toEqual(["leavs-fast", "maplez", "leavs", "direct-query"]);
    expect(sayingsOf(ALL, ATROPHY, "pancreas|atrophy", ".")).toMatchObject({ nNotAsked: 1, asked: { length: 3 } });
  });

  it("is one thing where nobody has found anything", () => {
    const absent = run("other", { "pancreas|atrophy": "0" });
    const says = (runs: OtherRun[], prefilled: string): string | null => sayingsOf(runs, ATROPHY, "pancreas|atrophy", prefilled).allSay;
    expect(says([FAST, MAPLEZ], ".")).toBe("not mentioned");
    expect(says([FAST, absent], ".")).toBe("absent or not mentioned");
    expect(says([FAST], "+")).toBeNull();
    expect(says([FAST, run("bad", { "pancreas|atrophy": "!" })], ".")).toBeNull();
  });

  it.each([
    ["+_", "+", "_", "same"],
    ["+2", "+", "2", "same"],
    ["+2", "+", "_", "same"],
    ["+2", "+", "1", "near"],
    ["0_", ".", "_", "near"],
    ["?_", "+", "_", "differs"],
    ["!_", "+", "_", null],
    ["+_", "_", "_", null],
    ["+_", "!", "_", null],
  ])("%s beside %s with urgency %s is %s", (codes, value, urgency, wanted) => {
    const [saying] = sayingsOf([run("one", { [KEY]: codes })], FOCAL, KEY, "+").asked;
    if (!saying) throw new Error("nobody was asked");
    expect(agreementOf(saying, value, urgency)).toBe(wanted);
  });

  it("has the scores that there are, rounded, and in full for whoever asks", () => {
    expect(scoresOf({})).toEqual([]);
    expect(scoresOf({ probability: null, logit_difference: null })).toEqual([]);
    expect(scoresOf({ logit_difference: -1.53125 })).toEqual([
      { text: "logit −1.53", title: "difference of the logits of yes and no: -1.53125" },
    ]);
    const texts = [0, 0.004, 0.5, 0.996, 1].map((probability) => scoresOf({ probability })[0]?.text);
    expect(texts).toEqual(["0.00", "<0.01", "0.50", ">0.99", "1.00"]);
  });
});

describe("cells on which runs differ", () => {
  const differ = (...codes: string[]): number => differingCells(codes).size;

  it("are those with two values, of which absent and not mentioned count as one", () => {
    expect(differ("+", "+")).toBe(0);
    expect(differ("+", "?")).toBe(1);
    expect(differ("0", ".")).toBe(0);
    expect(differ("0", ".", "+")).toBe(1);
    expect(differ("~", "0")).toBe(1);
  });

  it("are not those where one has no answer", () => {
    expect(differ("+", "!")).toBe(0);
    expect(differ("_", "+")).toBe(0);
    expect(differ()).toBe(0);
  });
});

describe("taking over", () => {
  const start = startState(payload(), abdomen);
  const machine = payload().prefill?.cells[KEY]?.evidence ?? [];
  function taken(of: OtherRun, from = start) {
    const [saying] = sayingsOf([of], FOCAL, KEY, "+").asked;
    if (!saying) throw new Error("nobody was asked");
    return takeOver(from, FOCAL, KEY, saying, machine);
  }

  it("makes value, urgency and evidence the reader's own in one step", () => {
    const next = taken(FAST);
    expect(next.labels.values.charAt(FOCAL) + next.labels.urgencies.charAt(FOCAL)).toBe("+3");
    expect(next.labels.body.cells[KEY]).toEqual({ evidence: [[59, 66]] });
    expect(next.undo).toHaveLength(1);
  });

  it("leaves open what the run leaves open", () => {
    const next = taken(MAPLEZ);
    expect(next.labels.values.charAt(FOCAL) + next.labels.urgencies.charAt(FOCAL)).toBe("?1");
    expect(next.labels.body.cells).toEqual({});
  });

  it("leaves no urgency with a finding that is not there", () => {
    expect(taken(run("odd", { [KEY]: "03" })).labels.urgencies.charAt(FOCAL)).toBe("_");
  });

  it("joins pieces of evidence that overlap", () => {
    const next = taken(run("two", { [KEY]: "+" }, { [KEY]: { evidence: [[14, 20], [10, 16], [32, 46]] } }));
    expect(next.labels.body.cells[KEY]?.evidence).toEqual([[10, 20], [32, 46]]);
  });

  it("changes nothing where there is nothing to take", () => {
    expect(taken(BROKEN)).toBe(start);
    expect(taken(run("same", { [KEY]: "+1" }, { [KEY]: { evidence: machine } }))).toBe(start);
  });
});

let asked: string[] = [];
let answer: () => Promise<Response> = () => Promise.reject(new Error("no answer"));
const NEXT: CasePayload = payload({ case: { ...payload().case, id: 2, key: "R0002" }, urls: urlsOf(2) });
const json = (body: unknown): Promise<Response> => Promise.resolve(new Response(JSON.stringify(body)));

beforeEach(() => {
  buildTemplate();
  sessionStorage.clear();
  asked = [];
  answer = () => json({ arm: "prefilled", runs: ALL, n_more: 2 });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    if (url.endsWith("/labels")) return answer();
    if (url.startsWith("/api/next")) return json({ case: url.endsWith("=1") ? NEXT : null, remaining: 1 });
    return json({ version: 1, saved_at: "" });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function open(given: CasePayload = payload(), focus = FOCAL): Promise<ReadingPage> {
  const page = new ReadingPage(ABDOMEN, given, "7");
  await vi.advanceTimersByTimeAsync(100);
  page.focusCell(focus);
  return page;
}
const card = (): HTMLElement => document.querySelector(".labelers") as HTMLElement;
const texts = (selector: string): string[] => [...document.querySelectorAll(selector)].map((part) => part.textContent ?? "");
const lines = (): string[] => texts(".labeler-line").map((line) => line.replace(/⇧\w/, ""));
const told = (): string => texts("#report-place .told").join("|");
const click = (selector: string): void => document.querySelector<HTMLElement>(selector)?.click();

describe("the other labelers in the card", () => {
  it("are asked for behind the case, and those of the next case ahead of it", async () => {
    const page = new ReadingPage(ABDOMEN, payload(), "7");
    expect(asked).toEqual(["/api/next?after=1"]);
    await vi.advanceTimersByTimeAsync(100);
    expect(asked.slice(1).sort()).toEqual(["/api/1/labels", "/api/2/labels"]);
    page.showCase(NEXT);
    await vi.advanceTimersByTimeAsync(0);
    page.focusCell(FOCAL);
    expect(lines()).toHaveLength(3);
    expect(asked.filter((url) => url === "/api/2/labels")).toHaveLength(1);
  });

  it("say each in a line what they say, and whether it is what the reader says", async () => {
    await open();
    expect(lines()).toEqual([
      "≠maplez · Qwen: possible0.62, not as you say",
      "≠direct-query · Qwen: absentlogit −1.53, not as you say",
      "leavs · Qwen: answer not readable",
    ]);
    expect(texts(".labelers-foot")).toEqual(["and 1 more · 2 further runs are not listed"]);
    click(".labelers-all");
    expect(lines()[3]).toBe("≈leavs-fast · Qwen: present urgency high hedged, nearly as you say");
  });

  it("follow the reader's value", async () => {
    const page = await open();
    page.run({ do: "value", code: "?" });
    expect(lines()[0]).toBe("=maplez · Qwen: possible0.62, as you say");
  });

  it("take one line where nobody has found anything", async () => {
    const page = await open(payload(), ATROPHY);
    expect(lines()).toEqual([]);
    expect(texts(".labelers-foot")).toEqual(["3 others: not mentioned · 1 not asked about this cell · 2 further runs are not listed"]);
    page.run({ do: "value", code: "+" });
    expect(lines()).toHaveLength(3);
  });

  it("are not asked for in a blank form, and nothing of them is shown", async () => {
    await open(payload({ arm: "blank", prefill: null }));
    expect(asked.filter((url) => url === "/api/1/labels")).toEqual([]);
    expect(card().hidden).toBe(true);
    expect(document.querySelectorAll("#grid-place .differ-mark")).toHaveLength(0);
  });

  it("stay out of sight when there are none", async () => {
    answer = () => json({ arm: "prefilled", runs: [], n_more: 0 });
    await open();
    expect(card().hidden).toBe(true);
    expect(texts(".toggle:not([hidden]) .count")).toHaveLength(2);
  });

  it("can be asked for again when they could not be loaded", async () => {
    answer = () => Promise.reject(new Error("offline"));
    await open();
    expect(card().textContent).toBe("Other labelers could not be loaded. Try again");
    answer = () => json({ arm: "prefilled", runs: ALL, n_more: 0 });
    click(".labelers-all");
    await vi.advanceTimersByTimeAsync(0);
    expect(lines()).toHaveLength(3);
  });

  it("never show what came for a case that is gone", async () => {
    let send: (response: Response) => void = () => undefined;
    answer = () => new Promise((resolve) => (send = resolve));
    const page = await open();
    page.showCase(payload({ arm: "blank", prefill: null, case: { ...payload().case, id: 3 }, urls: urlsOf(3) }));
    send(new Response(JSON.stringify({ arm: "prefilled", runs: ALL, n_more: 0 })));
    await vi.advanceTimersByTimeAsync(200);
    expect(card().hidden).toBe(true);
  });
});

describe("one labeler", () => {
  it("is opened by key, then the next, then none", async () => {
    const page = await open();
    const opened: (string | undefined)[] = [];
    for (let press = 0; press < 5; press += 1) {
      page.run({ do: "labeler" });
      opened.push(document.querySelector<HTMLElement>(".labeler.open")?.dataset["run"]);
    }
    expect(opened).toEqual(["maplez", "direct-query", "leavs", "leavs-fast", undefined]);
  });

  it("shows its reason, its words and what it is unsure of, and says them", async () => {
    const page = await open();
    for (let press = 0; press < 4; press += 1) page.run({ do: "labeler" });
    expect(texts(".labeler-more p")).toEqual(["“Hepatic”", "Why: a hepatic thing", "urgency high · hedged"]);
    expect(document.getElementById("announcer")?.textContent).toBe(
      "leavs-fast · Qwen: present, urgency high. Why: a hepatic thing Evidence: “Hepatic”",
    );
  });

  it("marks exactly its words in the report while it is open", async () => {
    const page = await open();
    const words = texts("#report-place .words");
    for (let press = 0; press < 4; press += 1) page.run({ do: "labeler" });
    expect(told()).toBe("Hepatic");
    expect(document.querySelector(".told")?.className).toContain("ev-cell");
    expect(texts("#report-place .words")).toEqual(words);
    page.run({ do: "cancel" });
    expect([told(), document.querySelector(".labeler.open")]).toEqual(["", null]);
  });

  it("marks its words under the pointer, and gives way to the open one", async () => {
    await open();
    click(".labelers-all");
    document.querySelector('[data-run="leavs-fast"]')?.dispatchEvent(new MouseEvent("mouseenter"));
    expect(told()).toBe("Hepatic");
    card().dispatchEvent(new MouseEvent("mouseleave"));
    expect(told()).toBe("");
  });

  it("is closed by going to another cell", async () => {
    const page = await open();
    page.run({ do: "labeler" });
    page.run({ do: "move", rows: 0, columns: -1 });
    expect(document.querySelector(".labeler.open")).toBeNull();
  });

  it("is taken over by key and undone as anything else", async () => {
    const page = await open();
    page.run({ do: "take-over" });
    expect(texts("#toasts")[0]).toContain("Open a labeler first: Shift l");
    page.run({ do: "labeler" });
    page.run({ do: "take-over" });
    expect(page.state.labels.values.charAt(FOCAL)).toBe("?");
    expect(document.querySelector(".labeler.open")?.textContent).toContain("as you say");
    page.run({ do: "undo" });
    expect(page.state.labels).toEqual(page.session.startState.labels);
  });

  it("is taken over by one click, with its words", async () => {
    const page = await open();
    click(".labelers-all");
    click('[data-run="leavs-fast"] .labeler-take');
    expect(page.state.labels.body.cells[KEY]).toEqual({ evidence: [[59, 66]] });
    expect(texts(".quote-line .quote")).toEqual(["“Hepatic”"]);
  });

  it("gives nothing to take when its answer cannot be read", async () => {
    const page = await open();
    expect(document.querySelector('[data-run="leavs"] .labeler-take')).toBeNull();
    for (let press = 0; press < 3; press += 1) page.run({ do: "labeler" });
    page.run({ do: "take-over" });
    expect(texts("#toasts")[0]).toContain("please decide");
    expect(page.state.undo).toHaveLength(0);
  });
});

describe("cells on which labelers differ", () => {
  const marks = (): number => document.querySelectorAll("#grid-place .differ-mark").length;
  const label = (): string | null => document.querySelector(`[data-cell="${FOCAL}"]`)?.getAttribute("aria-label") ?? null;

  it("are marked and counted, until that is switched off, and it stays so", async () => {
    const page = await open();
    expect([marks(), texts(".toggle-differ .count")]).toEqual([1, ["1"]]);
    expect(label()).toBe("liver, focal: present, urgency low, labelers differ");
    page.run({ do: "differing" });
    expect([marks(), label()]).toEqual([0, "liver, focal: present, urgency low"]);
    page.showCase(NEXT);
    await vi.advanceTimersByTimeAsync(100);
    expect([marks(), texts(".toggle-differ .count")]).toEqual([0, ["1"]]);
    expect(page.preferences.data.mark_differing).toBe(false);
  });
});

it("has keys that no other command has in these panes", () => {
  const keys = new KeyMap();
  const mine = keys.bindings.filter(({ group }) => group === "Labelers");
  expect(mine.map(({ chords }) => chords[0])).toEqual(["Shift+l", "Shift+t", "Shift+d"]);
  for (const binding of mine) expect(keys.clash(binding, binding.chords[0] ?? "", abdomen)).toBeNull();
});
