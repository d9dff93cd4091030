/** Asks how far a run is: every second or so, seldom while the page is hidden or the server does not answer. */

const HIDDEN_MS = 15_000;
const MOST_MS = 30_000;
const PATIENCE_MS = 10_000;

/** Null stands for what the engine does not count, and for what nobody can know now. */
export interface RunProgress {
  readonly state: string;
  readonly attempt: number;
  readonly n_reports: number;
  readonly n_done: number;
  readonly n_labeled: number;
  readonly n_failed: number;
  readonly active_s: number;
  readonly reports_per_s: number | null;
  readonly seconds_left: number | null;
  readonly attendance: string | null;
  readonly n_at_work: number;
  readonly [count: string]: string | number | null;
}

/** Why there was no answer: the server cannot be reached, or it refuses whoever asks, which asking again does not mend. */
export type Loss = "unreachable" | "refused";

export interface Listener {
  /** Whether to go on asking. */
  readonly told: (progress: RunProgress) => boolean;
  readonly lost: (loss: Loss) => void;
}

/** Returns what stops the asking. */
export function poll(url: string, everyMs: number, { told, lost }: Listener): () => void {
  let timer: number | undefined;
  let isAsking = false;
  let isOver = false;
  let nLost = 0;

  const stop = (): void => {
    isOver = true;
    window.clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  };
  const later = (): void => {
    window.clearTimeout(timer);
    if (isOver) return;
    const slowed = Math.min(MOST_MS, everyMs * 2 ** Math.min(nLost, 10));
    timer = window.setTimeout(() => void ask(), document.hidden ? Math.max(HIDDEN_MS, slowed) : slowed);
  };
  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(url, {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.status >= 400 && answer.status < 500) {
        stop();
        lost("refused");
      } else if (!answer.ok) {
        throw new Error(String(answer.status));
      } else {
        const progress = (await answer.json()) as RunProgress;
        nLost = 0;
        if (!isOver && !told(progress)) stop();
      }
    } catch {
      nLost += 1;
      if (!isOver) lost("unreachable");
    }
    isAsking = false;
    later();
  };
  const onVisible = (): void => {
    if (document.hidden) return;
    window.clearTimeout(timer);
    void ask();
  };

  document.addEventListener("visibilitychange", onVisible);
  later();
  return stop;
}
