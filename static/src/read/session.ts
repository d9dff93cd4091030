/** One case on screen: its draft, its clock, its submission, and the case after it, asked for ahead of time. */

import { uuid4 } from "../lib/uuid";
import { fetchNext, reopenReading, saveDraft, skipCase, submitReading } from "./api";
import type { NextResult, ReopenResult, SkipResult, SubmitResult } from "./api";
import { Autosave, labelsOf } from "./autosave";
import type { Conflict, SaveStatus } from "./autosave";
import { copyKey, keepCopy, readCopy, recoveryOf } from "./recover";
import type { SchemaTable } from "./schema";
import { isSameLabels, startState, withLabels } from "./state";
import type { ReadingState } from "./state";
import { ActiveTimer } from "./timer";
import type { CasePayload, Labels, Skipped, SubmitRequest } from "./types";

const SUBMIT_TRIES = 4;
const SUBMIT_WAIT_MS = 700;

export interface SessionEvents {
  onStatus(status: SaveStatus): void;
  onConflict(conflict: Conflict): void;
  onTheirs(labels: Labels): void;
}

export class CaseSession {
  readonly payload: CasePayload;
  readonly autosave: Autosave;
  readonly timer: ActiveTimer;
  /** What to show first, with changes that an earlier visit of this tab could not save. */
  readonly startState: ReadingState;
  readonly restored: boolean;
  /** This tab holds changes from before the case was submitted elsewhere; they come back when it is reopened. */
  readonly holdsBack: boolean;
  private upcoming: Promise<NextResult> | null = null;
  private attempt: { id: string; labels: Labels; acknowledged: string } | null = null;
  private readonly priorSeconds: number;

  constructor(payload: CasePayload, schema: SchemaTable, user: string, events: SessionEvents) {
    this.payload = payload;
    this.timer = new ActiveTimer(performance.now());
    this.priorSeconds = payload.draft?.active_seconds ?? 0;
    const key = copyKey(user, payload);
    const copy = readCopy(sessionStorage, key, schema.size);
    const found = recoveryOf(copy, payload);
    this.holdsBack = this.isLocked && found !== "nothing";
    const recovery = this.holdsBack ? "nothing" : found;
    const fromServer = startState(payload, schema);
    this.restored = recovery !== "nothing";
    this.startState = copy && this.restored ? withLabels(fromServer, copy.labels) : fromServer;

    const isStale = copy !== null && recovery === "conflict";
    const start = isStale
      ? { version: copy.version, labels: copy.base }
      : { version: payload.draft?.version ?? 0, labels: fromServer.labels };
    const identity = { clientId: uuid4(), prefillRun: payload.prefill?.run ?? null, round: payload.round };
    this.autosave = new Autosave({ ...start, ...identity }, {
      send: (body, keepalive) => saveDraft(payload.urls.draft, body, keepalive),
      after: (ms, run) => {
        const timer = window.setTimeout(run, ms);
        return () => window.clearTimeout(timer);
      },
      nowMs: () => performance.now(),
      keep: (labels) => keepCopy(sessionStorage, key, labels),
      pending: () => this.timer.pending,
      confirm: (effort) => this.timer.confirm(effort),
      onStatus: events.onStatus,
      onConflict: events.onConflict,
      onTheirs: events.onTheirs,
    });
    if (!this.restored && !this.holdsBack) keepCopy(sessionStorage, key, null);
  }

  /** Starts what needs the page to be ready: saving restored changes, asking for the next case. */
  begin(onNext: (next: CasePayload) => void = () => undefined): void {
    if (this.restored) this.autosave.change(this.startState.labels);
    this.upcoming = fetchNext(this.payload.urls.next);
    void this.upcoming.then((result) => {
      if (result.kind === "next" && result.answer.case) onNext(result.answer.case);
    });
  }

  /** Whether nothing of the case may be changed: it is submitted and not reopened, or excluded. */
  get isLocked(): boolean {
    return this.payload.case.state === "submitted" || this.payload.excluded !== null;
  }

  get activeSeconds(): number {
    return this.priorSeconds + this.timer.seconds;
  }

  /** Whether seconds alone are worth a draft: not when a submitted or skipped case is only looked at. */
  get countsVisit(): boolean {
    const { state } = this.payload.case;
    if (this.payload.case.is_own === false) return false;
    return !this.isLocked && (state !== "skipped" || this.autosave.isDirty);
  }

  /** Puts the case off as it stands on the screen. */
  async skip(labels: Labels, why: Skipped): Promise<SkipResult> {
    await this.autosave.pause();
    const open = this.autosave.openConflict;
    if (open) return { kind: "stale", theirs: open.theirs };
    const request = { ...this.autosave.requestBody(labels, this.timer.pending), ...why };
    const result = await skipCase(this.payload.urls.skip, request);
    if (result.kind === "skipped") this.autosave.finish();
    else {
      if (result.kind === "stale" && result.theirs) this.autosave.meetTheirs(result.theirs);
      this.autosave.resume();
    }
    return result;
  }

  /** Opens a submitted reading again; what it said stands until the next submission. */
  async reopen(why: Skipped): Promise<ReopenResult> {
    return reopenReading(this.payload.urls.reopen, { version: this.payload.draft?.version ?? 0, ...why });
  }

  async submit(labels: Labels, acknowledged: readonly string[], guidelines: SubmitRequest["guidelines"]): Promise<SubmitResult> {
    await this.autosave.pause();
    const open = this.autosave.openConflict;
    if (open) return { kind: "stale", theirs: open.theirs };
    const result = await this.send(labels, acknowledged, guidelines);
    if (result.kind === "submitted") this.autosave.finish();
    else this.autosave.resume();
    return result;
  }

  /** The next case: the one asked for ahead when it is still the right one, else asked for now. */
  async next(wanted: number): Promise<NextResult> {
    const ready = await this.upcoming;
    if (ready?.kind === "next" && ready.answer.case?.case.id === wanted) return ready;
    return fetchNext(this.payload.urls.next);
  }

  /** The next case, as it was asked for ahead. */
  async upcomingCase(): Promise<NextResult> {
    const ready = await this.upcoming;
    return ready?.kind === "next" ? ready : fetchNext(this.payload.urls.next);
  }

  private async send(labels: Labels, acknowledged: readonly string[], guidelines: SubmitRequest["guidelines"]): Promise<SubmitResult> {
    const submissionId = this.submissionId(labels, acknowledged);
    let result: SubmitResult = { kind: "unreachable" };
    for (let tried = 0; tried < SUBMIT_TRIES; tried += 1) {
      if (tried > 0) await wait(SUBMIT_WAIT_MS * tried);
      result = await submitReading(this.payload.urls.submit, {
        ...this.autosave.requestBody(labels, this.timer.pending),
        submission_id: submissionId,
        acknowledged,
        guidelines,
      });
      if (result.kind === "stale" && result.theirs) {
        // Our own draft whose answer was lost, or the same content, is taken over and the submission goes on.
        this.autosave.meetTheirs(result.theirs);
        if (this.autosave.openConflict) return result;
      } else if (result.kind !== "unreachable") {
        return result;
      }
    }
    return result;
  }

  /** One id per content, so that a submission whose answer was lost is not recorded twice. */
  private submissionId(labels: Labels, acknowledged: readonly string[]): string {
    const said = acknowledged.join("\n");
    const isSame = this.attempt && isSameLabels(this.attempt.labels, labels) && this.attempt.acknowledged === said;
    if (!this.attempt || !isSame) this.attempt = { id: uuid4(), labels: labelsOf(labels), acknowledged: said };
    return this.attempt.id;
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
