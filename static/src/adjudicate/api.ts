/** Requests of the adjudication page. Every outcome is a value. */

import { csrfToken } from "../lib/cookies";
import { readerId } from "../lib/reader";
import { details, refusal, request } from "../read/api";
import type { Failure } from "../read/api";
import type { Decision, DisputedCase, DisputedCell, Verdict } from "./types";

export type DecideResult =
  | { readonly kind: "decided"; readonly decision: Decision }
  /** Somebody else was first; `theirs` is what stands, null when nothing does. */
  | { readonly kind: "taken"; readonly theirs: Decision | null }
  /** The voices say something else by now. */
  | { readonly kind: "stale" }
  | Failure;

export type CaseResult = { readonly kind: "case"; readonly payload: DisputedCase | null } | Failure;

export function seenOf({ cell, basis, revision }: DisputedCell): Record<string, unknown> {
  return { cell, basis, revision };
}

async function post(url: string, body: Readonly<Record<string, unknown>>): Promise<DecideResult> {
  const answer = await request(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken(), "X-Reader": readerId() },
    body: JSON.stringify(body),
  });
  if ("kind" in answer) return answer;
  if (answer.status === 201) return { kind: "decided", decision: (answer.body as { decision: Decision }).decision };
  const failure = refusal(answer);
  if (answer.status !== 409 || failure.kind !== "refused") return failure;
  if (failure.code === "stale") return { kind: "stale" };
  return { kind: "taken", theirs: (details(answer)["theirs"] as Decision | null | undefined) ?? null };
}

export function decide(url: string, cell: DisputedCell, verdict: Verdict): Promise<DecideResult> {
  return post(url, { ...seenOf(cell), ...verdict });
}

export function takeBack(url: string, seen: Readonly<Record<string, unknown>>): Promise<DecideResult> {
  return post(url, seen);
}

async function get(url: string): Promise<{ readonly body: unknown } | Failure> {
  const answer = await request(url, { headers: { Accept: "application/json" } });
  if ("kind" in answer) return answer;
  return answer.status === 200 ? { body: answer.body } : refusal(answer);
}

export async function fetchCase(url: string): Promise<CaseResult> {
  const answer = await get(url);
  return "kind" in answer ? answer : { kind: "case", payload: answer.body as DisputedCase };
}

export async function fetchNext(url: string): Promise<CaseResult> {
  const answer = await get(url);
  return "kind" in answer ? answer : { kind: "case", payload: (answer.body as { case: DisputedCase | null }).case };
}
