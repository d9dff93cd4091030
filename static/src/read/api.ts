/** Requests of the reading page. Every outcome is a value: nothing here throws for what a server or network does. */

import { csrfToken } from "../lib/cookies";
import { readerId } from "../lib/reader";
import type { CaseImages } from "../viewer/types";
import type {
  CaseLabels,
  CasePayload,
  CaseState,
  Draft,
  DraftRequest,
  Guidelines,
  NextAnswer,
  NoteRequest,
  NoteThread,
  ReopenRequest,
  Reservation,
  SkipRequest,
  SubmitRequest,
} from "./types";

export type Failure =
  /** No answer, or one that promises to be better later: try again. */
  | { readonly kind: "unreachable" }
  /** The session ended, or somebody else has signed in over it. */
  | { readonly kind: "signed-out" }
  /** The server understood and will not do it. */
  | { readonly kind: "refused"; readonly status: number; readonly code: string; readonly message: string };

export interface Stale {
  readonly kind: "stale";
  readonly theirs: Draft | null;
}

export type SaveResult = { readonly kind: "saved"; readonly version: number; readonly savedAt: string } | Stale | Failure;

export interface ServerContradiction {
  readonly key: string;
  readonly target: string;
  readonly finding: string;
  readonly forbidden: string;
  readonly because: string;
}

export type SubmitResult =
  | { readonly kind: "submitted"; readonly revision: number; readonly next: number | null; readonly debrief?: string }
  | { readonly kind: "undecided"; readonly cells: readonly string[] }
  | { readonly kind: "contradictions"; readonly contradictions: readonly ServerContradiction[] }
  | Stale
  | Failure;

export type SkipResult = { readonly kind: "skipped"; readonly next: number | null } | Stale | Failure;

export type ReopenResult = { readonly kind: "reopened"; readonly payload: CasePayload } | Stale | Failure;

export type NotesResult = { readonly kind: "notes"; readonly notes: readonly NoteThread[] } | Failure;

export type GuidelinesResult = { readonly kind: "guidelines"; readonly guidelines: Guidelines } | Failure;

export type ImagesResult = { readonly kind: "images"; readonly images: CaseImages } | Failure;

export interface JumpCase {
  readonly case_id: number;
  readonly key: string;
  readonly position: number;
  readonly state: CaseState;
  readonly flagged: boolean;
  readonly url: string;
}

export type JumpResult =
  | { readonly kind: "jump"; readonly cases: readonly JumpCase[]; readonly after: string | null }
  | Failure;

/** Submissions since a moment, newest first; the figures count all of them. */
export interface Sitting {
  readonly cases: readonly { readonly key: string; readonly seconds: number; readonly submitted_at: string }[];
  readonly n_cases: number;
  readonly n_skipped: number;
  readonly total_seconds: number;
  readonly median_seconds: number | null;
}

export type SummaryResult = { readonly kind: "summary"; readonly sitting: Sitting } | Failure;

export type LabelsResult = { readonly kind: "labels"; readonly labels: CaseLabels } | Failure;

export type NextResult = { readonly kind: "next"; readonly answer: NextAnswer } | Failure;

const TIMEOUT_MS = 10_000;

interface ErrorBody {
  error?: { code?: string; message?: string; details?: Record<string, unknown> };
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export async function request(url: string, init: RequestInit): Promise<Answer | Failure> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      ...init,
      credentials: "same-origin",
      redirect: "manual",
      signal: limit.signal,
    });
    if (response.type === "opaqueredirect" || response.status === 401) return { kind: "signed-out" };
    if (response.status >= 500 || response.status === 429) return { kind: "unreachable" };
    const body: unknown = response.ok ? await response.json() : await response.json().catch(() => ({}));
    return { status: response.status, body };
  } catch {
    // A network error, the time limit, or an answer cut off before its end: the same request is sent again.
    return { kind: "unreachable" };
  } finally {
    clearTimeout(timer);
  }
}

export function refusal(answer: Answer): Failure {
  const { code = "error", message = "" } = (answer.body as ErrorBody).error ?? {};
  return { kind: "refused", status: answer.status, code, message };
}

/** Another save came first. Other conflicts are refusals: no choice between versions mends them. */
function isStale(answer: Answer): boolean {
  return answer.status === 409 && (answer.body as ErrorBody).error?.code === "stale";
}

export function details(answer: Answer): Record<string, unknown> {
  return (answer.body as ErrorBody).error?.details ?? {};
}

function writing(method: "PUT" | "POST", body: DraftRequest | SkipRequest | SubmitRequest | ReopenRequest | NoteRequest | Record<string, never>, keepalive: boolean): RequestInit {
  return {
    method,
    keepalive,
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-CSRFToken": csrfToken(),
      "X-Reader": readerId(),
    },
    body: JSON.stringify(body),
  };
}

/** `keepalive` lets the request outlive the page. */
export async function saveDraft(url: string, body: DraftRequest, keepalive = false): Promise<SaveResult> {
  const answer = await request(url, writing("PUT", body, keepalive));
  if ("kind" in answer) return answer;
  if (answer.status === 200) {
    const { version, saved_at } = answer.body as { version: number; saved_at: string };
    return { kind: "saved", version, savedAt: saved_at };
  }
  if (isStale(answer)) return { kind: "stale", theirs: (details(answer)["theirs"] as Draft | undefined) ?? null };
  return refusal(answer);
}

export async function submitReading(url: string, body: SubmitRequest): Promise<SubmitResult> {
  const answer = await request(url, writing("POST", body, false));
  if ("kind" in answer) return answer;
  if (answer.status === 201 || answer.status === 200) {
    const { revision, next, debrief } = answer.body as { revision: number; next: number | null; debrief?: string };
    return { kind: "submitted", revision, next, ...(debrief ? { debrief } : {}) };
  }
  if (isStale(answer)) return { kind: "stale", theirs: (details(answer)["theirs"] as Draft | undefined) ?? null };
  const { code } = (answer.body as ErrorBody).error ?? {};
  if (code === "undecided") return { kind: "undecided", cells: (details(answer)["cells"] as string[] | undefined) ?? [] };
  if (code === "contradictions") {
    const contradictions = (details(answer)["contradictions"] as ServerContradiction[] | undefined) ?? [];
    return { kind: "contradictions", contradictions };
  }
  return refusal(answer);
}

export async function skipCase(url: string, body: SkipRequest): Promise<SkipResult> {
  const answer = await request(url, writing("POST", body, false));
  if ("kind" in answer) return answer;
  if (answer.status === 201) return { kind: "skipped", next: (answer.body as { next: number | null }).next };
  if (isStale(answer)) return { kind: "stale", theirs: (details(answer)["theirs"] as Draft | undefined) ?? null };
  return refusal(answer);
}

export async function reopenReading(url: string, body: ReopenRequest): Promise<ReopenResult> {
  const answer = await request(url, writing("POST", body, false));
  if ("kind" in answer) return answer;
  if (answer.status === 200 || answer.status === 201) return { kind: "reopened", payload: (answer.body as { case: CasePayload }).case };
  if (isStale(answer)) return { kind: "stale", theirs: (details(answer)["theirs"] as Draft | undefined) ?? null };
  return refusal(answer);
}

export async function writeNote(url: string, body: NoteRequest): Promise<NotesResult> {
  const answer = await request(url, writing("POST", body, false));
  if ("kind" in answer) return answer;
  if (answer.status === 201) return { kind: "notes", notes: (answer.body as { notes: NoteThread[] }).notes };
  return refusal(answer);
}

export async function fetchGuidelines(url: string): Promise<GuidelinesResult> {
  const answer = await reading(url);
  return "kind" in answer ? answer : { kind: "guidelines", guidelines: (answer.body as { guidelines: Guidelines }).guidelines };
}

export type BeatResult = { readonly kind: "reservation"; readonly reservation: Reservation } | Failure;

/** Holds a case of the queue, or gives it back. */
export async function beat(url: string): Promise<BeatResult> {
  const answer = await request(url, writing("POST", {}, false));
  if ("kind" in answer) return answer;
  return answer.status === 200 ? { kind: "reservation", reservation: answer.body as Reservation } : refusal(answer);
}

async function reading(url: string): Promise<{ readonly body: unknown } | Failure> {
  const answer = await request(url, { headers: { Accept: "application/json" } });
  if ("kind" in answer) return answer;
  return answer.status === 200 ? { body: answer.body } : refusal(answer);
}

export async function fetchNext(url: string): Promise<NextResult> {
  const answer = await reading(url);
  return "kind" in answer ? answer : { kind: "next", answer: answer.body as NextAnswer };
}

export async function fetchImages(url: string): Promise<ImagesResult> {
  const answer = await reading(url);
  return "kind" in answer ? answer : { kind: "images", images: answer.body as CaseImages };
}

export async function fetchLabels(url: string): Promise<LabelsResult> {
  const answer = await reading(url);
  return "kind" in answer ? answer : { kind: "labels", labels: answer.body as CaseLabels };
}

export async function fetchJump(url: string): Promise<JumpResult> {
  const answer = await reading(url);
  if ("kind" in answer) return answer;
  const { cases, after } = answer.body as { cases: JumpCase[]; after: string | null };
  return { kind: "jump", cases, after };
}

export async function fetchSummary(url: string): Promise<SummaryResult> {
  const answer = await reading(url);
  return "kind" in answer ? answer : { kind: "summary", sitting: answer.body as Sitting };
}
