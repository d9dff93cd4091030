/** What was seen of a run since somebody watches it: for its rate of late, and for the picture. */

export interface Sample {
  readonly atMs: number;
  readonly nDone: number;
}

const LATELY_MS = 60_000;
/** A rate of less than this is chance. */
const LEAST_MS = 15_000;
const LEAST_REPORTS = 3;
const MOST = 600;

export class Pace {
  readonly samples: Sample[];

  constructor(before: readonly Sample[] = []) {
    this.samples = [...before];
  }

  /** Fewer reports than before are another attempt: what was seen of the one before says nothing of it. */
  add(sample: Sample): void {
    const last = this.samples.at(-1);
    if (last && (sample.nDone < last.nDone || sample.atMs <= last.atMs)) this.samples.length = 0;
    this.samples.push(sample);
    if (this.samples.length > MOST) this.thin();
  }

  /** Reports per second in the last minute; null when too little was seen. */
  lately(): number | null {
    const last = this.samples.at(-1);
    if (!last) return null;
    const first = this.samples.find(({ atMs }) => atMs >= last.atMs - LATELY_MS);
    if (!first) return null;
    const [tookMs, nDone] = [last.atMs - first.atMs, last.nDone - first.nDone];
    return tookMs >= LEAST_MS && nDone >= LEAST_REPORTS ? (1000 * nDone) / tookMs : null;
  }

  /** Every second sample of the older half goes. */
  private thin(): void {
    const half = Math.floor(this.samples.length / 2);
    const older = this.samples.slice(0, half).filter((_, place) => place % 2 === 0);
    this.samples.splice(0, half, ...older);
  }
}

/** The samples that an earlier visit in this tab left. */
export function recall(key: string): Sample[] {
  try {
    const kept: unknown = JSON.parse(window.sessionStorage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isSample) : [];
  } catch {
    return [];
  }
}

export function remember(key: string, samples: readonly Sample[]): void {
  try {
    window.sessionStorage.setItem(key, JSON.stringify(samples));
  } catch {
    // A browser that keeps nothing shows what this visit sees.
  }
}

function isSample(value: unknown): value is Sample {
  if (typeof value !== "object" || value === null) return false;
  const { atMs, nDone } = value as Record<string, unknown>;
  return typeof atMs === "number" && typeof nDone === "number";
}
