import { beforeEach, describe, expect, it, vi } from "vitest";
import { attentionOf } from "../../static/src/read/attention";
import { EvidenceMap } from "../../static/src/read/evidence";
import * as state from "../../static/src/read/state";
import { createAttention } from "../../static/src/read/view/attention";
import { createCard } from "../../static/src/read/view/card";
import { createGrid } from "../../static/src/read/view/grid";
import { createReport } from "../../static/src/read/view/report";
import { saveText } from "../../static/src/read/view/status";
import type { CasePayload } from "../../static/src/read/types";
import { abdomen, cellOf, labels, payload, spine } from "./helpers";

const FOCAL = cellOf("liver|focal");
const NONE = { pendingColumn: false, linked: new Set<number>(), unsupported: new Set<number>(), differing: new Set<number>(), noted: new Set<number>(), news: new Set<string>() };

beforeEach(() => document.body.replaceChildren());

describe("the table", () => {
  function shown(now: state.ReadingState, schema = abdomen): HTMLElement {
    const grid = createGrid(schema, () => undefined);
    grid.update(now, attentionOf(now.labels, schema), NONE);
    document.body.replaceChildren(grid.element);
    return grid.element;
  }
  function cell(index: number): HTMLElement {
    const found = document.querySelector<HTMLElement>(`[data-cell="${index}"]`);
    if (!found) throw new Error(`no cell ${index}`);
    return found;
  }

  it("is a grid with a header for each row and column and one tab stop", () => {
    const table = shown(state.startState(payload(), abdomen));
    expect(table.getAttribute("role")).toBe("grid");
    expect(table.querySelectorAll("thead th[scope=col]")).toHaveLength(11);
    expect(table.querySelectorAll("tbody th[scope=row]")).toHaveLength(9);
    expect(table.querySelectorAll("[role=gridcell]")).toHaveLength(99);
    expect(table.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
  });

  it("says value, urgency and change of each cell in words", () => {
    let now = state.focusOn(state.startState(payload(), abdomen), FOCAL);
    shown(now);
    expect(cell(FOCAL).getAttribute("aria-label")).toBe("liver, focal: present, urgency low");
    now = state.setComment(state.toggleImageDisagrees(state.setValue(now, FOCAL, "?"), "liver|focal"), "liver|focal", "x");
    shown(now);
    expect(cell(FOCAL).getAttribute("aria-label")).toBe(
      "liver, focal: possible, urgency low, changed from present, image disagrees, has a comment",
    );
    expect(cell(FOCAL).className).toContain("changed");
  });

  it("points at contradicting and unreadable cells", () => {
    const now = state.withLabels(
      state.startState(payload(), abdomen),
      labels({ "liver|normal": "+", "liver|focal": "+", "spleen|device": "!" }),
    );
    shown(now);
    expect(cell(FOCAL).getAttribute("aria-label")).toContain("contradicts another cell");
    expect(cell(cellOf("spleen|device")).getAttribute("aria-label")).toContain("not readable");
  });

  it("marks nothing as changed in a blank form", () => {
    let now = state.startState(payload({ prefill: null, arm: "blank" }), abdomen);
    now = state.setValue(now, FOCAL, "+");
    expect(shown(now).querySelectorAll(".changed")).toHaveLength(0);
  });

  it("leaves places without a cell empty", () => {
    const table = shown(state.startState(payload({ prefill: null }), spine), spine);
    expect(table.querySelectorAll("[data-cell]")).toHaveLength(8);
    expect(table.querySelectorAll(".none")).toHaveLength(12);
  });

  it("shows the letters of rows and columns", () => {
    const table = shown(state.startState(payload(), abdomen));
    const letters = [...table.querySelectorAll("tbody u")].map((letter) => letter.textContent);
    expect(letters).toEqual(["s", "l", "r", "k", "t", "p", "g", "b", "a"]);
  });

  it("reports a click on a cell", () => {
    const picked = vi.fn<(index: number) => void>();
    const grid = createGrid(abdomen, picked);
    grid.update(state.startState(payload(), abdomen), attentionOf(labels(), abdomen), NONE);
    grid.element.querySelector(`[data-cell="${FOCAL}"] svg`)?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
    expect(picked).toHaveBeenCalledWith(FOCAL);
  });
});

describe("the report", () => {
  function shown(given: CasePayload, focus: number) {
    const [onPick, onCite] = [vi.fn<(sentence: number) => void>(), vi.fn<(mention: number) => void>()];
    const evidence = new EvidenceMap(given.report, abdomen, given.prefill?.cells ?? {});
    const report = createReport(evidence, abdomen, { onPick, onCite });
    document.body.replaceChildren(report.element);
    report.update(state.focusOn(state.startState(given, abdomen), focus));
    return { report, onPick, onCite };
  }
  const marked = (selector: string): (string | null)[] =>
    [...document.querySelectorAll(selector)].map((part) => part.textContent);

  it("shows headings and every word of the sections", () => {
    shown(payload(), 0);
    expect(marked("h2")).toEqual(["FINDINGS", "IMPRESSION"]);
    expect(marked(".words")).toEqual(["The liver has a cyst. Spleen normal.", "Hepatic cyst."]);
  });

  it("says why there are no words where nobody has them", () => {
    const missing = "The text of this report was not released.";
    const given = payload();
    shown({ ...given, report: { ...given.report, text: "", sections: [], sentences: [], missing } }, 0);
    expect(marked(".report-missing")).toEqual([missing]);
    expect(marked(".words")).toEqual([]);
  });

  it("marks the evidence of the focused cell strongly, with its value", () => {
    shown(payload(), FOCAL);
    expect(marked(".ev-cell.v-present")).toEqual(["The liver has a cyst.", "Hepatic cyst."]);
    expect(marked(".ev-target")).toEqual([]);
  });

  it("marks the evidence of the same target softly", () => {
    shown(payload(), cellOf("liver|diffuse"));
    expect(marked(".ev-target.v-present")).toEqual(["The liver has a cyst.", "Hepatic cyst."]);
    expect(marked(".ev-cell")).toEqual([]);
  });

  it("follows a correction", () => {
    const { report } = shown(payload(), FOCAL);
    report.update(state.setValue(state.focusOn(state.startState(payload(), abdomen), FOCAL), FOCAL, "0"));
    expect(marked(".ev-cell.v-absent")).toHaveLength(2);
  });

  it("never takes report text for markup", () => {
    const text = 'FINDINGS: <img src=x onerror="alert(1)"> & <b>bold</b>.';
    const report = { text, sha256: "", sections: [], sentences: [[10, 55] as const] };
    shown(payload({ report }), 0);
    expect(document.querySelector("img, b")).toBeNull();
    expect(document.body.textContent).toContain(text);
  });

  it("counts offsets in code points", () => {
    const text = "🫀🫁 The liver has a cyst.";
    const report = { text, sha256: "", sections: [], sentences: [[3, 24] as const] };
    const prefill = payload().prefill;
    if (!prefill) throw new Error("no prefill");
    shown(payload({ report, prefill: { ...prefill, cells: { "liver|focal": { evidence: [[3, 24]] } } } }), FOCAL);
    expect(marked(".ev-cell")).toEqual(["The liver has a cyst."]);
  });

  it("says which sentence is clicked", () => {
    const { onPick } = shown(payload(), 0);
    document.querySelector<HTMLElement>('[data-sentence="1"]')?.click();
    expect(onPick).toHaveBeenCalledWith(1);
  });

  it("rings one sentence", () => {
    const { report } = shown(payload(), FOCAL);
    report.showSentence(2);
    expect(marked(".ring")).toEqual(["Hepatic cyst."]);
    report.showSentence(null);
    expect(marked(".ring")).toEqual([]);
  });
});

describe("the card", () => {
  const actions = {
    run: vi.fn<(command: unknown) => void>(),
    onComment: vi.fn<(text: string) => void>(),
    onRemoveQuote: vi.fn<(position: number) => void>(),
    onImageValue: vi.fn<(value: string) => void>(),
  };

  function shown(now: state.ReadingState, given = payload()): HTMLElement {
    const card = createCard(abdomen, given.prefill, actions);
    card.update(now, new EvidenceMap(given.report, abdomen, given.prefill?.cells ?? {}, now.labels.body.cells));
    document.body.replaceChildren(card.element);
    return card.element;
  }

  it("says what the machine said, how sure it was, why, and on which words", () => {
    const card = shown(state.focusOn(state.startState(payload(), abdomen), FOCAL));
    expect(card.textContent).toContain("liver · focal");
    expect(card.textContent).toContain("cell 22 of 99");
    expect(card.querySelector(".machine")?.textContent).toBe("rules: present · 0.93 · urgency lowhedged");
    expect(card.textContent).toContain("hedged");
    expect(card.textContent).toContain("“The liver has a cyst.”");
    expect(card.textContent).toContain("Why (rules): a cyst is measurable");
    expect(card.querySelector('.chip.v-present[aria-pressed="true"]')).not.toBeNull();
  });

  it("shows nothing of the machine in a blank form", () => {
    const given = payload({ prefill: null, arm: "blank" });
    const card = shown(state.focusOn(state.startState(given, abdomen), FOCAL), given);
    expect(card.textContent).not.toContain("machine");
    expect(card.querySelectorAll('[aria-pressed="true"]')).toHaveLength(0);
  });

  it("offers an urgency only on a positive cell", () => {
    const urgencies = (now: state.ReadingState): boolean[] =>
      [...shown(now).querySelectorAll<HTMLButtonElement>(".urgency button")].map((button) => button.disabled);
    const now = state.startState(payload(), abdomen);
    expect(urgencies(state.focusOn(now, FOCAL))).toEqual([false, false, false, false]);
    expect(urgencies(state.focusOn(now, cellOf("liver|device")))).toEqual([true, true, true, true]);
  });

  it("sets a value by the mouse", () => {
    shown(state.startState(payload(), abdomen)).querySelector<HTMLElement>(".chip.v-absent")?.click();
    expect(actions.run).toHaveBeenCalledWith({ do: "value", code: "0" });
  });
});

describe("what needs the reader", () => {
  it("is listed with its reason, and goes away when decided", () => {
    const picked = vi.fn<(index: number) => void>();
    const list = createAttention(abdomen, picked);
    list.update(attentionOf(labels({ "spleen|device": "!", "liver|normal": "+", "liver|focal": "+" }), abdomen));
    expect(list.element.textContent).toContain("spleen · device");
    expect(list.element.textContent).toContain("an organ with this finding is not normal");
    list.element.querySelector<HTMLElement>(".attention-line")?.click();
    expect(picked).toHaveBeenCalledWith(cellOf("spleen|device"));
    list.update(attentionOf(labels(), abdomen));
    expect(list.element.hidden).toBe(true);
  });

  it("counts undecided cells rather than listing them when there are many", () => {
    const list = createAttention(abdomen, () => undefined);
    list.update(attentionOf(labels({}, "_"), abdomen));
    expect(list.element.querySelectorAll(".attention-line")).toHaveLength(0);
    expect(list.element.textContent).toContain("99 cells are not decided");
  });
});

describe("the save state", () => {
  it.each([
    [{ kind: "saved", atMs: null }, "nothing to save", false],
    [{ kind: "saved", atMs: 8_000 }, "saved 2 s ago", false],
    [{ kind: "saving" }, "saving …", false],
    [{ kind: "retrying", atMs: 13_500, signedOut: false }, "not saved – retrying in 4 s", true],
    [{ kind: "retrying", atMs: 9_000, signedOut: true }, "not saved – you are signed out, retrying", true],
    [{ kind: "conflict" }, "not saved – two versions, please choose", true],
    [{ kind: "refused", message: "no" }, "not saved – no", true],
  ] as const)("%o", (status, text, isProblem) => {
    expect(saveText(status, 10_000)).toEqual({ text, isProblem });
  });
});
