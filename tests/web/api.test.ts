import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchNext, saveDraft, submitReading } from "../../static/src/read/api";
import type { SubmitRequest } from "../../static/src/read/types";
import { labels } from "./helpers";

const BODY: SubmitRequest = {
  version: 1,
  ...labels(),
  active_seconds_delta: 3,
  key_presses_delta: 12,
  client_id: "me",
  prefill_run: null,
  round: 1,
  submission_id: "id",
  acknowledged: [],
  guidelines: {},
};

const fetched = vi.fn<typeof fetch>();

function answer(status: number, body: unknown): void {
  fetched.mockResolvedValueOnce(new Response(JSON.stringify(body), { status }));
}

beforeEach(() => {
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => vi.unstubAllGlobals());

describe("saving a draft", () => {
  it("sends JSON with the token of the cookie", async () => {
    // oxlint-disable-next-line unicorn/no-document-cookie
    document.cookie = "csrftoken=abc";
    answer(200, { version: 2, saved_at: "now" });
    expect(await saveDraft("/draft", BODY)).toEqual({ kind: "saved", version: 2, savedAt: "now" });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe("/draft");
    expect(init).toMatchObject({ method: "PUT", redirect: "manual" });
    expect(new Headers(init?.headers).get("X-CSRFToken")).toBe("abc");
    expect(JSON.parse(String(init?.body))).toMatchObject({ version: 1, prefill_run: null });
  });

  it("hands over the other version of a stale write", async () => {
    const theirs = { ...labels(), version: 5, client_id: "x", active_seconds: 0, saved_at: "" };
    answer(409, { error: { code: "stale", message: "", details: { theirs, yours: {} } } });
    expect(await saveDraft("/draft", BODY)).toEqual({ kind: "stale", theirs });
  });

  it("takes a conflict that no choice between versions mends for a refusal", async () => {
    answer(409, { error: { code: "submitted", message: "submitted", details: {} } });
    expect(await saveDraft("/draft", BODY)).toMatchObject({ kind: "refused", code: "submitted" });
  });

  it.each([500, 502, 503, 429])("may try again after %i", async (status) => {
    answer(status, {});
    expect(await saveDraft("/draft", BODY)).toEqual({ kind: "unreachable" });
  });

  it("may try again after a network error or half an answer", async () => {
    fetched.mockRejectedValueOnce(new TypeError("refused"));
    expect(await saveDraft("/draft", BODY)).toEqual({ kind: "unreachable" });
    fetched.mockResolvedValueOnce(new Response('{"vers', { status: 200 }));
    expect(await saveDraft("/draft", BODY)).toEqual({ kind: "unreachable" });
  });

  it("knows that the session ended", async () => {
    answer(401, {});
    expect(await saveDraft("/draft", BODY)).toEqual({ kind: "signed-out" });
  });

  it("knows a refusal, also one that is no JSON", async () => {
    answer(400, { error: { code: "invalid", message: "values: no" } });
    expect(await saveDraft("/draft", BODY)).toMatchObject({ kind: "refused", code: "invalid", message: "values: no" });
    fetched.mockResolvedValueOnce(new Response("<h1>Forbidden</h1>", { status: 403 }));
    expect(await saveDraft("/draft", BODY)).toMatchObject({ kind: "refused", status: 403 });
  });
});

describe("submitting", () => {
  it("says the revision and the next case", async () => {
    answer(201, { revision: 2, next: 9 });
    expect(await submitReading("/submit", BODY)).toEqual({ kind: "submitted", revision: 2, next: 9 });
  });

  it("hands over undecided cells and contradictions", async () => {
    answer(422, { error: { code: "undecided", details: { cells: ["liver|focal"] } } });
    expect(await submitReading("/submit", BODY)).toEqual({ kind: "undecided", cells: ["liver|focal"] });
    const contradictions = [{ key: "a|b|c", target: "a", finding: "b", forbidden: "c", because: "d" }];
    answer(422, { error: { code: "contradictions", details: { contradictions } } });
    expect(await submitReading("/submit", BODY)).toEqual({ kind: "contradictions", contradictions });
  });
});

it("asks for the next case", async () => {
  answer(200, { case: null, remaining: 0 });
  expect(await fetchNext("/next")).toEqual({ kind: "next", answer: { case: null, remaining: 0 } });
});
