import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReadingPage } from "../../static/src/read/page";
import { paneOf } from "../../static/src/read/panes";
import type { CasePayload } from "../../static/src/read/types";
import { ABDOMEN, cellOf, payload, urlsOf } from "./helpers";
import { buildTemplate } from "./template";

const FOCAL = cellOf("liver|focal");
interface Sent {
  readonly url: string;
  readonly method: string;
  readonly body: Record<string, unknown>;
}

const NEXT: CasePayload = payload({
  case: { id: 2, key: "R0002", position: 2, total: 3, state: "new", done: 1 },
  urls: urlsOf(2),
});
const NOTHING_READ = { cases: [], n_cases: 0, n_skipped: 0, total_seconds: 0, median_seconds: null };
let sent: Sent[] = [];
let next: number | null = 2;

beforeEach(() => {
  buildTemplate();
  sessionStorage.clear();
  sent = [];
  next = 2;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  vi.stubGlobal("fetch", (url: string, init: RequestInit = {}) => {
    const method = init.method ?? "GET";
    sent.push({ url, method, body: JSON.parse(String(init.body ?? "{}")) });
    if (method === "PUT") return Promise.resolve(new Response(JSON.stringify({ version: 1, saved_at: "" })));
    if (method === "POST") return Promise.resolve(new Response(JSON.stringify({ revision: 1, next }), { status: 201 }));
    if (url.startsWith("/api/summary")) return Promise.resolve(new Response(JSON.stringify(NOTHING_READ)));
    return Promise.resolve(new Response(JSON.stringify({ case: next === null ? null : NEXT, remaining: 2 })));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open(given: CasePayload = payload()): ReadingPage {
  return new ReadingPage(ABDOMEN, given, "7");
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

const text = (id: string): string => document.getElementById(id)?.textContent ?? "";
const requests = (method: string): Sent[] => sent.filter((each) => each.method === method);

describe("the page", () => {
  it("asks for the next case as soon as this one is shown", () => {
    open();
    expect(sent).toMatchObject([{ method: "GET", url: "/api/next?after=1" }]);
    expect([text("case-key"), text("case-place"), text("case-arm")]).toEqual(["R0001", "1 of 3", "pre-filled by rules"]);
  });

  it("saves a change a moment later, with the run it was filled by", async () => {
    const page = open();
    page.run({ do: "row", row: 1 });
    page.run({ do: "column", column: 10 });
    page.run({ do: "value", code: "0" });
    expect(text("save-state")).toBe("saving …");
    await pass(500);
    const [save] = requests("PUT");
    expect(save?.body).toMatchObject({ version: 0, prefill_run: payload().prefill?.run });
    expect(String(save?.body["values"]).charAt(FOCAL)).toBe("0");
    expect(text("save-state")).toContain("saved");
    expect(text("announcer")).toBe("liver, focal: absent, changed from present");
  });

  it("awaits a column only right after a row letter", () => {
    const page = open();
    page.run({ do: "row", row: 1 });
    expect(page.pendingColumn).toBe(true);
    page.run({ do: "value", code: "0" });
    expect(page.pendingColumn).toBe(false);
  });

  it("submits and shows the case that was asked for ahead, without asking again", async () => {
    const page = open();
    await pass(1000);
    page.run({ do: "submit" });
    await pass(0);
    expect(requests("POST")).toHaveLength(1);
    expect(text("case-key")).toBe("R0002");
    expect(sent.filter(({ url }) => url === "/api/next?after=1")).toHaveLength(1);
    expect(window.location.pathname).toBe("/cases/2/");
  });

  it("does not take a chord on a case that has only just appeared", async () => {
    const page = open();
    page.run({ do: "submit" });
    await pass(2000);
    expect(requests("POST")).toHaveLength(0);
    expect(text("toasts")).toContain("only just opened");
  });

  it("says calmly when all is read", async () => {
    next = null;
    const page = open();
    await pass(1000);
    page.run({ do: "submit" });
    await pass(0);
    expect(document.body.className).toContain("all-read");
    expect(text("all-read-note")).toContain("R0001 is submitted");
  });

  it("brings back what an earlier visit of the tab could not save, and saves it", async () => {
    const values = payload().prefill?.values.replace("+", "~") ?? "";
    const urgencies = payload().prefill?.urgencies ?? "";
    const labels = { values, urgencies, body: { cells: {} } };
    const base = { values: payload().prefill?.values ?? "", urgencies, body: { cells: {} } };
    sessionStorage.setItem("overread:7:/api/1/draft:1", JSON.stringify({ version: 0, clientId: "old", labels, base }));
    const page = open();
    expect(page.state.labels.values).toBe(values);
    await pass(500);
    expect(requests("PUT")[0]?.body["values"]).toBe(values);
    expect(sessionStorage.length).toBe(0);
  });

  it("knows which pane has the keyboard", () => {
    open();
    expect(paneOf(document.getElementById("report-place"))).toBe("report");
    expect(paneOf(document.getElementById("grid-place"))).toBe("cells");
    expect(paneOf(document.body)).toBe("cells");
    expect(paneOf(null)).toBe("cells");
  });

  it("keeps flag and comment with the case, as steps that can be undone", async () => {
    const page = open();
    page.run({ do: "flag" });
    page.run({ do: "case-comment" });
    const comment = document.getElementById("case-comment-text") as HTMLTextAreaElement;
    for (const words of ["ask", "ask Ann"]) {
      comment.value = words;
      comment.dispatchEvent(new Event("input"));
    }
    await pass(500);
    expect(requests("PUT").at(-1)?.body).toMatchObject({ body: { cells: {}, case: { comment: "ask Ann", flagged: true } } });
    page.run({ do: "undo" });
    expect(comment.value).toBe("");
    expect(document.getElementById("flag-button")?.getAttribute("aria-pressed")).toBe("true");
    page.run({ do: "undo" });
    await pass(500);
    expect(requests("PUT").at(-1)?.body).toMatchObject({ body: { cells: {} } });
    expect(requests("PUT").at(-1)?.body["body"]).not.toHaveProperty("case");
  });

  it("does not take a skipped case up by merely looking at it", () => {
    const { values, urgencies } = payload().prefill ?? { values: "", urgencies: "" };
    const skipped = { reason: "later", note: "" };
    const draft = { values, urgencies, body: { cells: {}, case: { flagged: true, skipped } }, version: 4, active_seconds: 9, client_id: "", saved_at: "" };
    const page = open(payload({ case: { ...payload().case, state: "skipped" }, draft }));
    expect([page.session.countsVisit, page.session.autosave.isDirty]).toEqual([false, false]);
    expect(page.state.labels.body.case).toEqual({ flagged: true });
  });
});
