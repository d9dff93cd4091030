import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReadingPage } from "../../static/src/read/page";
import type { CasePayload } from "../../static/src/read/types";
import { ABDOMEN, cellOf, payload } from "./helpers";
import { buildTemplate } from "./template";

const FOCAL = cellOf("liver|focal");
const TEXT = "FINDINGS: A cyst (series 3, image 45) in the liver. Spleen normal. Lungs clear (se 4 im 7).";
const SENTENCES = [
  [10, 51],
  [52, 66],
  [67, 91],
] as const;

function cited(): CasePayload {
  const base = payload();
  if (!base.prefill) throw new Error("no prefill");
  return {
    ...base,
    report: { text: TEXT, sha256: "", sections: [{ kind: "findings", start: 0, end: TEXT.length, title: [0, 8] }], sentences: SENTENCES },
    prefill: {
      ...base.prefill,
      cells: { "liver|focal": { evidence: [[10, 51]] }, "liver|enlarged": { evidence: [[10, 51]] }, "spleen|normal": { evidence: [[52, 66]] } },
    },
  };
}

beforeEach(() => {
  buildTemplate();
  sessionStorage.clear();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ case: null, remaining: 0 }))));
});
afterEach(() => {
  window.getSelection()?.removeAllRanges();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open(given: CasePayload = cited()) {
  const page = new ReadingPage(ABDOMEN, given, "7");
  const goToImage = vi.spyOn(page.viewer, "goToImage").mockReturnValue(true);
  const focusTarget = vi.spyOn(page.viewer, "focusTarget").mockReturnValue();
  return { page, viewer: { goToImage, focusTarget } };
}

const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
const texts = (selector: string): (string | null)[] => all(selector).map((element) => element.textContent);
const text = (id: string): string => document.getElementById(id)?.textContent ?? "";
const note = (page: ReadingPage, key = "liver|focal"): unknown => page.state.labels.body.cells[key];

/** Selects the words between two pieces of text that stand in one sentence each. */
function select(from: string, to: string): void {
  const nodeWith = (words: string): [Node, number] => {
    const found = all("#report-place span").find((span) => span.textContent?.includes(words));
    if (!found?.firstChild) throw new Error(`no piece with ${words}`);
    return [found.firstChild, found.textContent?.indexOf(words) ?? 0];
  };
  const [start, end] = [nodeWith(from), nodeWith(to)];
  const range = document.createRange();
  range.setStart(...start);
  range.setEnd(end[0], end[1] + to.length);
  window.getSelection()?.removeAllRanges();
  window.getSelection()?.addRange(range);
}

describe("cited images", () => {
  it("are links that keep the words whole", () => {
    open();
    expect(texts("a.mention")).toEqual(["series 3, image 45", "se 4 im 7"]);
    expect(texts(".words")).toEqual([TEXT.slice(10)]);
    expect(all("a.mention").map((link) => [link.getAttribute("role"), link.tabIndex])).toEqual([
      ["link", 0],
      ["link", -1],
    ]);
  });

  it("are shown by a click and by Enter, without choosing the sentence", () => {
    const { page, viewer } = open();
    all("a.mention")[0]?.click();
    expect(viewer.goToImage).toHaveBeenLastCalledWith({ series: 3, image: 45 });
    expect(page.sentences.current).toBeNull();
    all("a.mention")[1]?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(viewer.goToImage).toHaveBeenLastCalledWith({ series: 4, image: 7 });
    expect(text("announcer")).toBe("series 4, image 7 is shown");
  });

  it("are walked in the report, the keyboard going along", () => {
    const { page, viewer } = open();
    document.getElementById("report-place")?.setAttribute("tabindex", "0");
    document.getElementById("report-place")?.focus();
    page.run({ do: "cited", by: 1 });
    page.run({ do: "cited", by: 1 });
    expect(document.activeElement?.textContent).toBe("se 4 im 7");
    expect(all(".mention.current")).toHaveLength(1);
    page.run({ do: "cited", by: 1 });
    expect(viewer.goToImage.mock.calls.map(([place]) => place.image)).toEqual([45, 7, 45]);
  });

  it("are those of the focused cell when its key is pressed in the cells", () => {
    const { page, viewer } = open();
    page.focusCell(FOCAL);
    page.run({ do: "cited", by: 1 });
    expect(viewer.goToImage).toHaveBeenLastCalledWith({ series: 3, image: 45 });
    expect(document.activeElement?.getAttribute("data-cell")).toBe(String(FOCAL));
    page.focusCell(cellOf("stomach|focal"));
    page.run({ do: "cited", by: 1 });
    expect(text("toasts")).toContain("No image is cited for stomach");
  });

  it("cannot be shown in a case without images, which is said", () => {
    const { viewer } = open();
    viewer.goToImage.mockRestore();
    all("a.mention")[0]?.click();
    expect(text("toasts")).toContain("no images");
  });
});

describe("the images", () => {
  it("follow the target, once per row", () => {
    const { page, viewer } = open();
    expect(viewer.focusTarget).not.toHaveBeenCalled();
    page.run({ do: "row", row: 1 });
    page.run({ do: "column", column: 10 });
    page.run({ do: "value", code: "0" });
    page.run({ do: "move", rows: 0, columns: -1 });
    expect(viewer.focusTarget.mock.calls).toEqual([["liver"]]);
    page.run({ do: "move", rows: 1, columns: 0 });
    expect(viewer.focusTarget).toHaveBeenLastCalledWith("right kidney");
  });

  it("go to the row that has the focus already when its letter is pressed, not when the case opens", () => {
    const { page, viewer } = open();
    expect([page.schema.place(page.state.focus).row, viewer.focusTarget.mock.calls.length]).toEqual([0, 0]);
    page.run({ do: "row", row: 0 });
    expect(viewer.focusTarget.mock.calls).toEqual([["spleen"]]);
    page.run({ do: "column", column: 10 });
    expect(viewer.focusTarget).toHaveBeenCalledOnce();
    page.run({ do: "row", row: 0 });
    expect(viewer.focusTarget).toHaveBeenCalledTimes(2);
  });

  it("lead to the row of what was clicked in a mask, and stay where they are", () => {
    const { page, viewer } = open();
    page.words.pick("left kidney", "kidney_left");
    expect(page.schema.place(page.state.focus).key).toBe("left kidney|normal");
    expect(text("toasts")).toContain("kidney_left: left kidney");
    expect(viewer.focusTarget).not.toHaveBeenCalled();
    page.words.pick(null, "aorta");
    expect(text("toasts")).toContain("aorta: no target of this schema");
  });
});

describe("a chosen sentence", () => {
  it("shows and selects every cell that it supports, and goes through them", () => {
    const { page } = open();
    const sentence = all('[data-sentence="0"]')[0];
    sentence?.click();
    expect(page.schema.place(page.state.focus).key).toBe("liver|enlarged");
    expect(texts(".supports-list .support")).toEqual(["liver · enlarged", "liver · focal"]);
    expect(all('[aria-selected="true"]')).toHaveLength(2);
    expect(all(".cell.linked")).toHaveLength(2);
    sentence?.click();
    expect(page.state.focus).toBe(FOCAL);
    sentence?.click();
    expect(page.schema.place(page.state.focus).key).toBe("liver|enlarged");
    all(".supports-list .support")[1]?.click();
    expect(page.state.focus).toBe(FOCAL);
    expect(page.sentences.current).toBe(0);
  });

  it("that supports none says so", () => {
    open();
    all('[data-sentence="2"]')[0]?.click();
    expect(text("toasts")).toContain("No cell is based on this sentence");
    expect(texts(".supports-list")).toEqual(["no cell uses this sentence"]);
  });
});

describe("the reader's evidence", () => {
  it("comes from selected words, grown to whole ones, and is marked at once", () => {
    const { page } = open();
    page.focusCell(cellOf("liver|diffuse"));
    select("ungs cl", "ear");
    page.run({ do: "evidence-add" });
    expect(note(page, "liver|diffuse")).toEqual({ evidence: [[67, 78]] });
    expect(texts(".ev-cell")).toEqual(["Lungs clear"]);
    expect(window.getSelection()?.isCollapsed ?? true).toBe(true);
    expect(texts(".quote-line .tag")).toEqual(["you"]);
    expect(text("announcer")).toBe("Added to the evidence of liver · diffuse");
    page.run({ do: "undo" });
    expect(all(".ev-cell")).toHaveLength(0);
  });

  it("goes over a link without losing its place", () => {
    const { page } = open();
    page.focusCell(cellOf("stomach|focal"));
    select("cyst (", "image 45");
    page.run({ do: "evidence-add" });
    expect(note(page, "stomach|focal")).toEqual({ evidence: [[12, 36]] });
    expect(texts("a.mention")).toEqual(["series 3, image 45", "se 4 im 7"]);
    expect(texts(".ev-cell").join("")).toBe("cyst (series 3, image 45");
  });

  it("comes from the ringed sentence as well, by keyboard", () => {
    const { page } = open();
    page.focusCell(FOCAL);
    page.run({ do: "sentence", by: 1 });
    page.run({ do: "sentence", by: 1 });
    page.run({ do: "evidence-add" });
    expect(note(page)).toEqual({ evidence: [[10, 51], [52, 66]] });
    expect(texts(".quote-line .tag")).toEqual(["machine", "you"]);
    page.run({ do: "evidence-remove" });
    expect(note(page)).toBeUndefined();
  });

  it("is empty when the last piece is taken away, until the cell is reverted", () => {
    const { page } = open();
    page.focusCell(FOCAL);
    page.run({ do: "evidence-remove" });
    expect(note(page)).toEqual({ evidence: [] });
    expect(text("card-place")).toContain("You took all evidence away");
    expect(text("counts")).toContain("1 changed");
    page.run({ do: "revert" });
    expect(note(page)).toBeUndefined();
    expect(texts(".ev-cell")).toHaveLength(3);
  });

  it("is asked for when nothing is chosen", () => {
    const { page } = open();
    page.run({ do: "evidence-add" });
    expect(text("toasts")).toContain("Select words of the report");
    page.focusCell(cellOf("stomach|focal"));
    page.run({ do: "evidence-remove" });
    expect(text("toasts")).toContain("stomach · focal has no evidence");
  });

  it("of several pieces loses the ringed one only", () => {
    const { page } = open();
    page.focusCell(FOCAL);
    page.run({ do: "sentence", by: -1 });
    page.run({ do: "evidence-add" });
    page.run({ do: "cancel" });
    page.run({ do: "evidence-remove" });
    expect(text("toasts")).toContain("has 2 pieces of evidence");
    page.run({ do: "evidence-remove" });
    expect(note(page)).toEqual({ evidence: [[67, 91]] });
  });

  it("is taken away piece by piece in the card", () => {
    const { page } = open();
    page.focusCell(FOCAL);
    all(".quote-remove")[0]?.click();
    expect(note(page)).toEqual({ evidence: [] });
  });

  it("of a draft is there when the case opens", () => {
    const labels = payload().prefill;
    const draft = {
      values: labels?.values ?? "",
      urgencies: labels?.urgencies ?? "",
      body: { cells: { "liver|focal": { evidence: [[52, 66] as const] } } },
      version: 1,
      active_seconds: 0,
      client_id: "",
      saved_at: "",
    };
    const { page } = open({ ...cited(), draft });
    page.focusCell(FOCAL);
    expect(texts(".ev-cell")).toEqual(["Spleen normal."]);
  });

  it("is offered beside selected words", async () => {
    const { page } = open();
    page.focusCell(FOCAL);
    select("Spleen", "normal");
    document.dispatchEvent(new Event("selectionchange"));
    await vi.advanceTimersByTimeAsync(10);
    const bar = document.querySelector<HTMLElement>(".selection-bar");
    expect(bar?.hidden).toBe(false);
    expect(bar?.textContent).toContain("evidence for liver · focal");
    bar?.querySelector("button")?.click();
    expect(note(page)).toEqual({ evidence: [[10, 51], [52, 65]] });
    expect(bar?.hidden).toBe(true);
  });
});

describe("words and cells that have nothing to do with each other", () => {
  it("are counted, and marked when asked for", () => {
    const { page } = open();
    page.focusCell(FOCAL);
    page.run({ do: "value", code: "0" });
    page.run({ do: "evidence-remove" });
    expect(texts(".toggle:not([hidden]) .count")).toEqual(["1", "1"]);
    page.run({ do: "unused" });
    page.run({ do: "unsupported" });
    expect(new Set(all(".unused").map((piece) => piece.dataset["sentence"]))).toEqual(new Set(["2"]));
    expect(all(".cell.unsupported")).toHaveLength(1);
    expect(document.querySelector(`[data-cell="${FOCAL}"]`)?.getAttribute("aria-label")).toContain("no sentence supports it");
    expect(all('.toggle:not([hidden])[aria-pressed="true"]')).toHaveLength(2);
    page.run({ do: "undo" });
    expect(all(".cell.unsupported")).toHaveLength(0);
    all(".toggle")[0]?.click();
    expect(all(".show-unused, .unused")).toHaveLength(0);
  });
});

describe("what the image shows", () => {
  it("is chosen beside the flag and shown in the cell", () => {
    const { page } = open();
    page.focusCell(FOCAL);
    expect(document.querySelector<HTMLElement>(".image-shows")?.hidden).toBe(true);
    page.run({ do: "image-value" });
    expect(note(page)).toEqual({ flags: ["image_disagrees"], image_value: "absent" });
    const cell = document.querySelector(`[data-cell="${FOCAL}"]`);
    expect(cell?.getAttribute("aria-label")).toContain("image disagrees, image shows absent");
    expect(cell?.querySelector(".image-shown .v-absent")).not.toBeNull();
    document.querySelector<HTMLElement>(".image-shows .v-possible")?.click();
    expect(note(page)).toEqual({ flags: ["image_disagrees"], image_value: "possible" });
    document.querySelector<HTMLElement>(".image-shows .v-possible")?.click();
    expect(note(page)).toEqual({ flags: ["image_disagrees"] });
    page.run({ do: "disagrees" });
    expect(note(page)).toBeUndefined();
    expect(cell?.querySelector(".image-shown")).toBeNull();
  });
});
