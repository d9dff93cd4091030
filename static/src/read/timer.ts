/** Counts the seconds in which somebody is reading: page visible, window focused, a key or pointer in the last minute. */

export const IDLE_AFTER_MS = 60_000;

/** What a reading cost: active seconds, and keys and cells pressed. */
export interface Effort {
  readonly seconds: number;
  readonly presses: number;
}

export class ActiveTimer {
  private activeMs = 0;
  private takenMs = 0;
  private lastMs: number;
  private lastInputMs: number;
  private watching = true;
  private presses = 0;

  constructor(nowMs: number) {
    this.lastMs = nowMs;
    this.lastInputMs = nowMs;
  }

  /** Counts up to `nowMs`. Time after the last minute of input does not count. */
  advance(nowMs: number): void {
    const until = Math.min(nowMs, this.lastInputMs + IDLE_AFTER_MS);
    if (this.watching && until > this.lastMs) this.activeMs += until - this.lastMs;
    this.lastMs = Math.max(this.lastMs, nowMs);
  }

  input(nowMs: number): void {
    this.advance(nowMs);
    this.lastInputMs = nowMs;
  }

  /** Counts a key, or a click on a cell. */
  press(): void {
    this.presses += 1;
  }

  /** Whether the page is visible and its window focused. Coming back counts as input. */
  setWatching(watching: boolean, nowMs: number): void {
    this.advance(nowMs);
    if (watching && !this.watching) this.lastInputMs = nowMs;
    this.watching = watching;
  }

  /** Whole seconds since the start. */
  get seconds(): number {
    return Math.floor(this.activeMs / 1000);
  }

  /** Whole seconds and presses not yet handed over. */
  get pending(): Effort {
    return { seconds: Math.floor((this.activeMs - this.takenMs) / 1000), presses: this.presses };
  }

  /** Marks effort as recorded by the server; a lost answer simply does not call this. */
  confirm({ seconds, presses }: Effort): void {
    this.takenMs += seconds * 1000;
    this.presses -= presses;
  }
}

export function clockText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${String(minutes).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}
