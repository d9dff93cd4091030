import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReadingPage } from "../../static/src/read/page";
import { Preferences } from "../../static/src/read/preferences";
import type { CasePayload, Draft, Guidelines, NoteThread, Reading } from "../../static/src/read/types";
import { bannerText } from "../../static/src/read/view/banner";
import { ABDOMEN, cellOf, payload } from "./helpers";
import { buildTemplate } from "./template";

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly body: Record<string, unknown>;
}

const { values, urgencies } = payload().prefill ?? { values: "", urgencies: "" };
const DRAFT: Draft = { values, urgencies, body: { cells: {} }, version: 4, active_seconds: 9, client_id: "", saved_at: "" };
const READING: Reading = { values, urgencies, body: { cells: {} }, revision: 1, submitted_at: "", active_seconds: 9 };
const NOTE: NoteThread = { id: 5, kind: "comment", cell: "liver|focal", author: "you", text: "old?", at: "", is_settled: false, answers: [] };
const GUIDELINES: Guidelines = {
  focal: { version: 2, text: "Count cysts.", what_changed: "cysts", written_at: "2026-03-02T09:00:00Z", is_new: true },
};

function withState(state: CasePayload["case"]["state"], change: Partial<CasePayload> = {}): CasePayload {
  return payload({ case: { ...payload().case, state }, draft: DRAFT, reading: READING, guidelines: { focal: 2 }, ...change });
}

let sent: Sent[] = [];
let answers: Record<string, unknown> = {};

function embed(id: string, data: unknown): void {
  const script = document.createElement("script");
  script.id = id;
  script.type = "application/json";
  script.textContent = JSON.stringify(data);
  document.getElementById(id)?.remove();
  document.body.append(script);
}

beforeEach(() => {
  buildTemplate();
  embed("reopen-reasons", [{ reason: "slip", says: "a slip" }]);
  sessionStorage.clear();
  sent = [];
  answers = {};
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  vi.stubGlobal("fetch", (url: string, init: RequestInit = {}) => {
    const method = init.method ?? "GET";
    sent.push({ url, method, body: JSON.parse(String(init.body ?? "{}")) });
    const body = answers[url] ?? { case: null, remaining: 0, version: 5, saved_at: "", cases: [], n_cases: 0, n_skipped: 0, total_seconds: 0, median_seconds: null };
    return Promise.resolve(new Response(JSON.stringify(body), { status: method === "POST" ? 201 : 200 }));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open(given: CasePayload): ReadingPage {
  const preferences = new Preferences({ tour_done: true });
  return new ReadingPage(ABDOMEN, given, "7", { preferences, guidelines: GUIDELINES, makeViewer: () => Promise.reject(new Error("no viewer")) });
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

const text = (id: string): string => document.getElementById(id)?.textContent ?? "";
const writes = (): Sent[] => sent.filter(({ method }) => method !== "GET");

describe("a submitted case", () => {
  it("is only looked at", async () => {
    const page = open(withState("submitted"));
    page.run({ do: "value", code: "0" });
    page.run({ do: "flag" });
    await pass(1000);
    expect(page.state.labels.values).toBe(values);
    expect(writes()).toEqual([]);
    expect(text("toasts")).toContain("Press Alt r to reopen it");
    expect((document.getElementById("case-comment-text") as HTMLTextAreaElement).readOnly).toBe(true);
  });

  it("takes the chord that submits as the way to the next case", async () => {
    const page = open(withState("submitted"));
    await pass(1000);
    expect(text("submit-words")).toBe("next case");
    page.run({ do: "submit" });
    await pass(0);
    expect(writes()).toEqual([]);
    expect(text("toasts")).toContain("no further case");
  });

  it("is reopened with a reason, and can be changed then", async () => {
    answers["/api/1/reopen"] = { case: withState("draft") };
    const page = open(withState("submitted"));
    page.run({ do: "reopen" });
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
    await pass(0);
    expect(writes()).toMatchObject([{ url: "/api/1/reopen", body: { version: 4, reason: "slip", note: "" } }]);
    expect(text("case-banner")).toContain("Revision 1 stands until you submit again");
    page.run({ do: "value", code: "0" });
    await pass(500);
    expect(writes().at(-1)).toMatchObject({ method: "PUT", body: { version: 4 } });
  });

  it("keeps what the tab could not save before until it is reopened", () => {
    const changed = values.replace("+", "~");
    const copy = { version: 3, clientId: "old", labels: { values: changed, urgencies, body: { cells: {} } }, base: { values, urgencies, body: { cells: {} } } };
    sessionStorage.setItem("overread:7:/api/1/draft:1", JSON.stringify(copy));
    const page = open(withState("submitted"));
    expect(page.state.labels.values).toBe(values);
    expect(sessionStorage.length).toBe(1);
    expect(text("toasts")).toContain("reopen it to see them");
  });
});

describe("a case of others", () => {
  it("is only looked at, and has nothing to submit", async () => {
    const page = open(payload({ case: { ...payload().case, is_own: false } }));
    await pass(1000);
    page.run({ do: "value", code: "0" });
    page.run({ do: "submit" });
    await pass(1000);
    expect(writes()).toEqual([]);
    expect(document.getElementById("submit-button")?.hidden).toBe(true);
    expect((document.getElementById("case-comment-text") as HTMLTextAreaElement).readOnly).toBe(true);
  });
});

describe("the line above the cells", () => {
  it("says why a case was sent back, and that an excluded one counts for nothing", () => {
    const sentBack: NoteThread = { ...NOTE, kind: "return", cell: "", author: "manager", text: "Look at the spleen." };
    expect(bannerText(withState("returned", { notes: [sentBack] }))).toBe("Returned to you: Look at the spleen.");
    expect(bannerText(withState("draft", { excluded: "wrong patient" }))).toBe("Excluded from the study: wrong patient");
    expect(bannerText(payload())).toBeNull();
  });

  it("stands over a case that was sent back, which can be changed at once", async () => {
    const page = open(withState("returned"));
    page.run({ do: "value", code: "0" });
    await pass(500);
    expect(writes()).toMatchObject([{ method: "PUT" }]);
  });
});

describe("notes", () => {
  it("stand at their cell", () => {
    const page = open(payload({ notes: [{ ...NOTE, answers: [{ id: 6, author: "manager", text: "yes", at: "" }] }] }));
    page.focusCell(cellOf("liver|focal"));
    expect(document.querySelector(".card-notes")?.textContent).toContain("you: old?manager: yes");
    expect(document.querySelector("td.focus")?.getAttribute("aria-label")).toContain("has notes");
    page.focusCell(cellOf("spleen|normal"));
    expect(document.querySelector(".card-notes")?.textContent).not.toContain("old?");
  });

  it("go to the manager from the case, and stay when they cannot be sent", async () => {
    answers["/api/1/notes"] = { notes: [{ ...NOTE, cell: "", kind: "flag", text: "wrong study" }] };
    const page = open(payload());
    page.run({ do: "case-notes" });
    const field = document.querySelector("dialog textarea") as HTMLTextAreaElement;
    field.value = "wrong study";
    field.dispatchEvent(new Event("input"));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
    await pass(0);
    expect(writes()).toMatchObject([{ url: "/api/1/notes", body: { kind: "flag", cell: "", text: "wrong study", parent: null } }]);
    expect(document.querySelector("dialog")?.textContent).toContain("wrong study");
    expect(text("notes-button")).toBe("notes 1");
  });
});

describe("guidelines", () => {
  it("are marked as new until they are read, and their versions go with the submission", async () => {
    const page = open(payload({ guidelines: { focal: 2 } }));
    page.focusCell(cellOf("liver|focal"));
    expect(document.querySelector(".guideline")?.textContent).toContain("new since you last read");
    expect(document.querySelector("th.guided")?.getAttribute("aria-label")).toBe("focal, new guideline");
    page.run({ do: "guideline" });
    expect(document.querySelector("dialog")?.textContent).toContain("Count cysts.");
    document.querySelector("dialog")?.close();
    expect(document.querySelector("th.guided")).toBeNull();
    await pass(1000);
    page.run({ do: "submit" });
    await pass(0);
    expect(writes().at(-1)?.body).toMatchObject({ guidelines: { focal: 2 } });
  });

  it("are asked for again when the server has later ones", async () => {
    answers["/api/guidelines"] = { guidelines: { focal: { ...GUIDELINES["focal"], version: 3, text: "Count all." } } };
    const page = open(payload({ guidelines: { focal: 3 } }));
    await pass(0);
    expect(text("toasts")).toContain("The guideline has changed: focal");
    expect(page.guidelines.shown).toEqual({ focal: 3 });
  });
});
