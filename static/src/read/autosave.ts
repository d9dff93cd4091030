/**
 * Keeps the server's draft equal to the screen. Knows no page: time, network and storage come in as `AutosavePorts`.
 *
 * One request is in flight at a time. A change waits at most `DELAY_MS`. While the server cannot be reached the newest
 * labels stay in the local copy and are sent again and again, ever more slowly. A stale write stops everything until
 * somebody has chosen between the two versions. What the server acknowledged is the only thing called saved.
 */

import type { SaveResult } from "./api";
import { bodyOf, isSameLabels } from "./state";
import type { Effort } from "./timer";
import type { Draft, DraftRequest, Labels } from "./types";

export const DELAY_MS = 400;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

export type SaveStatus =
  | { readonly kind: "saved"; readonly atMs: number | null }
  | { readonly kind: "waiting" }
  | { readonly kind: "saving" }
  | { readonly kind: "retrying"; readonly atMs: number; readonly signedOut: boolean }
  | { readonly kind: "conflict" }
  | { readonly kind: "refused"; readonly message: string };

/** What is kept in this browser tab until the server has it. */
export interface LocalCopy {
  readonly version: number;
  readonly clientId: string;
  readonly labels: Labels;
  /** What the server had when these changes began. */
  readonly base: Labels;
}

export interface Conflict {
  readonly mine: Labels;
  readonly theirs: Draft;
  readonly base: Labels;
}

export interface AutosavePorts {
  send(body: DraftRequest, keepalive: boolean): Promise<SaveResult>;
  /** Calls `run` after a while; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
  nowMs(): number;
  keep(copy: LocalCopy | null): void;
  /** What the reader spent and no save has recorded yet. */
  pending(): Effort;
  confirm(effort: Effort): void;
  onStatus(status: SaveStatus): void;
  onConflict(conflict: Conflict): void;
  /** Another window saved changes while this one had none: they are to be shown. */
  onTheirs(labels: Labels): void;
}

interface Sent {
  readonly labels: Labels;
  readonly effort: Effort;
}

export class Autosave {
  readonly clientId: string;
  private readonly ports: AutosavePorts;
  private readonly prefillRun: string | null;
  private readonly round: number;
  private version: number;
  private acknowledged: Labels;
  private current: Labels;
  private inFlight: Sent | null = null;
  private lost: Sent | null = null;
  private failures = 0;
  private savedAtMs: number | null = null;
  private cancelTimer: (() => void) | null = null;
  private theirs: Draft | null = null;
  private paused = false;
  private stopped = false;
  private settled: (() => void)[] = [];
  private currentStatus: SaveStatus = { kind: "saved", atMs: null };

  constructor(
    start: { version: number; labels: Labels; clientId: string; prefillRun: string | null; round: number },
    ports: AutosavePorts,
  ) {
    this.ports = ports;
    this.clientId = start.clientId;
    this.prefillRun = start.prefillRun;
    this.round = start.round;
    this.version = start.version;
    this.acknowledged = start.labels;
    this.current = start.labels;
  }

  get status(): SaveStatus {
    return this.currentStatus;
  }

  /** Whether there is no draft any more: the reading was submitted, or the case skipped. */
  get isFinished(): boolean {
    return this.stopped;
  }

  get isDirty(): boolean {
    return !isSameLabels(this.current, this.acknowledged);
  }

  /** Whether leaving now could lose something. */
  get isUnsafe(): boolean {
    return !this.stopped && (this.isDirty || this.inFlight !== null);
  }

  change(labels: Labels): void {
    if (this.stopped) return;
    this.current = labels;
    this.ports.keep(this.isUnsafe ? this.localCopy() : null);
    if (this.theirs || this.paused || this.inFlight || this.currentStatus.kind === "retrying") return;
    if (!this.isDirty) {
      this.clearTimer();
      this.report({ kind: "saved", atMs: this.savedAtMs });
    } else if (!this.cancelTimer) {
      this.report({ kind: "waiting" });
      this.schedule(DELAY_MS);
    }
  }

  /** Sends what is not saved yet without waiting; with `evenIfSaved`, also when only seconds are new. */
  flush(options: { evenIfSaved?: boolean } = {}): void {
    if (this.stopped || this.theirs || this.paused || this.inFlight) return;
    if (!this.isDirty && !(options.evenIfSaved && this.ports.pending().seconds > 0)) return;
    this.clearTimer();
    void this.send();
  }

  /** Last words of a page that is going away: the answer is not waited for, and the local copy stays. */
  flushOnLeave(): void {
    if (this.stopped || this.theirs || this.paused) return;
    const version = this.version + (this.inFlight ? 1 : 0);
    const newest = this.inFlight?.labels ?? this.acknowledged;
    if (isSameLabels(this.current, newest) && this.ports.pending().seconds === 0) return;
    if (this.inFlight && isSameLabels(this.current, newest)) return;
    void this.ports.send(this.requestBody(this.current, this.notInFlight(), version), true);
  }

  retryNow(): void {
    if (this.currentStatus.kind !== "retrying" && this.currentStatus.kind !== "refused") return;
    this.clearTimer();
    if (!this.inFlight) void this.send();
  }

  /** Stops sending and resolves once no request is in flight, so that a submission meets a settled version. */
  async pause(): Promise<void> {
    this.paused = true;
    this.clearTimer();
    if (this.inFlight) await new Promise<void>((resolve) => this.settled.push(resolve));
  }

  resume(): void {
    if (!this.paused || this.stopped) return;
    this.paused = false;
    if (this.theirs) return;
    if (this.isDirty) this.schedule(DELAY_MS);
    this.report(this.isDirty ? { kind: "waiting" } : { kind: "saved", atMs: this.savedAtMs });
  }

  /** The reading was submitted: there is no draft any more. */
  finish(): void {
    this.stopped = true;
    this.clearTimer();
    this.ports.keep(null);
  }

  /**
   * Another version was saved first. No choice is needed when it is our own, says the same, or changed nothing; nor
   * when nothing of ours waits, then theirs is shown. A submission always asks.
   */
  meetTheirs(theirs: Draft): void {
    const isOurs = theirs.client_id === this.clientId;
    if (isOurs && this.lost) this.ports.confirm(this.lost.effort);
    this.lost = null;
    const isNews = !isOurs && !isSameLabels(theirs, this.current) && !isSameLabels(theirs, this.acknowledged);
    const takesTheirs = isNews && !this.isDirty && !this.paused;
    if (!isNews || takesTheirs) {
      this.version = theirs.version;
      this.acknowledged = labelsOf(theirs);
      if (takesTheirs) {
        this.current = this.acknowledged;
        this.ports.onTheirs(this.current);
      }
      this.afterAcknowledgement();
      return;
    }
    this.theirs = theirs;
    this.clearTimer();
    this.report({ kind: "conflict" });
    this.ports.onConflict(this.conflict(theirs));
  }

  /** The conflict that waits for a decision, with the newest of mine. */
  get openConflict(): Conflict | null {
    return this.theirs && this.conflict(this.theirs);
  }

  resolve(merged: Labels): void {
    if (!this.theirs) return;
    this.version = this.theirs.version;
    this.acknowledged = labelsOf(this.theirs);
    this.theirs = null;
    this.current = merged;
    this.ports.keep(this.isDirty ? this.localCopy() : null);
    if (this.isDirty && !this.paused) void this.send();
    else {
      this.savedAtMs = this.ports.nowMs();
      this.report({ kind: "saved", atMs: this.savedAtMs });
    }
  }

  private conflict(theirs: Draft): Conflict {
    return { mine: this.current, theirs, base: this.acknowledged };
  }

  private async send(): Promise<void> {
    const sent: Sent = { labels: this.current, effort: this.ports.pending() };
    this.inFlight = sent;
    if (this.currentStatus.kind !== "retrying") this.report({ kind: "saving" });
    const result = await this.ports.send(this.requestBody(sent.labels, sent.effort), false);
    this.inFlight = null;
    if (!this.stopped) this.receive(result, sent);
    for (const resolve of this.settled.splice(0)) resolve();
  }

  private receive(result: SaveResult, sent: Sent): void {
    switch (result.kind) {
      case "saved":
        this.version = result.version;
        this.acknowledged = sent.labels;
        this.lost = null;
        this.ports.confirm(sent.effort);
        this.afterAcknowledgement();
        return;
      case "stale":
        if (result.theirs) this.meetTheirs(result.theirs);
        else this.report({ kind: "refused", message: "this case was submitted in another window; reload to see it" });
        return;
      case "unreachable":
      case "signed-out":
        this.lost = sent;
        this.retryLater(result.kind === "signed-out");
        return;
      case "refused":
        this.report({ kind: "refused", message: result.message || result.code });
    }
  }

  private afterAcknowledgement(): void {
    this.failures = 0;
    this.savedAtMs = this.ports.nowMs();
    this.ports.keep(this.isDirty ? this.localCopy() : null);
    this.report({ kind: "saved", atMs: this.savedAtMs });
    if (this.isDirty && !this.paused) {
      this.report({ kind: "waiting" });
      this.schedule(DELAY_MS);
    }
  }

  private retryLater(signedOut: boolean): void {
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    this.failures += 1;
    this.report({ kind: "retrying", atMs: this.ports.nowMs() + wait, signedOut });
    if (!this.paused) this.schedule(wait);
  }

  /** What a save or a submission of `labels` says. */
  requestBody(labels: Labels, effort: Effort, version = this.version): DraftRequest {
    return {
      version,
      ...labelsOf(labels),
      active_seconds_delta: effort.seconds,
      key_presses_delta: effort.presses,
      client_id: this.clientId,
      prefill_run: this.prefillRun,
      round: this.round,
    };
  }

  /** What the request in flight does not tell already. */
  private notInFlight(): Effort {
    const { seconds, presses } = this.ports.pending();
    const told = this.inFlight?.effort;
    return { seconds: Math.max(0, seconds - (told?.seconds ?? 0)), presses: Math.max(0, presses - (told?.presses ?? 0)) };
  }

  private localCopy(): LocalCopy {
    return { version: this.version, clientId: this.clientId, labels: this.current, base: this.acknowledged };
  }

  private schedule(ms: number): void {
    this.clearTimer();
    this.cancelTimer = this.ports.after(ms, () => {
      this.cancelTimer = null;
      if (!this.inFlight && !this.paused && !this.stopped && !this.theirs) void this.send();
    });
  }

  private clearTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private report(status: SaveStatus): void {
    this.currentStatus = status;
    this.ports.onStatus(status);
  }
}

export function labelsOf(version: Labels): Labels {
  return { values: version.values, urgencies: version.urgencies, body: bodyOf(version.body) };
}
