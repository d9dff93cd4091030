/** Keeps what a page says of a run up to date while it goes on, and opens the page anew when its state changes. */

import { setText } from "../lib/dom";
import { numberText } from "../lib/locale";
import { Pace, recall, remember } from "./pace";
import { draw } from "./plot";
import { poll } from "./polling";
import type { Loss, RunProgress } from "./polling";
import { noteText } from "./words";

const EVERY_MS = 1000;
const IN_LIST_MS = 3000;
const PAUSED_MS = 5000;
const GOES_ON = new Set(["queued", "running"]);

const LOST: Readonly<Record<Loss, string>> = {
  unreachable: "The server cannot be reached. The run goes on without this page, which tries again.",
  refused: "The server does not show this run any more. Reload the page, and sign in again if it asks.",
};

/** The page of a run. `changed` is called once, when the page should be opened anew. */
export function watchRun(section: HTMLElement, changed: () => void): () => void {
  const { runUrl = "", runId = "", state = "" } = section.dataset;
  const key = `run ${runId} ${section.dataset["attempt"] ?? ""}`;
  const pace = new Pace(recall(key));
  let alone = 0;
  const told = (progress: RunProgress): boolean => {
    if (progress.state !== state) {
      changed();
      return false;
    }
    alone = progress.attendance === "nobody" ? alone + 1 : 0;
    if (GOES_ON.has(progress.state)) pace.add({ atMs: Date.now(), nDone: progress.n_done });
    remember(key, pace.samples);
    show(section, progress, pace);
    showHints(section, alone > 1 ? "nobody" : progress.attendance === "nobody" ? "" : progress.attendance);
    return true;
  };
  return poll(runUrl, GOES_ON.has(state) ? EVERY_MS : PAUSED_MS, { told, lost: (loss) => say(section, LOST[loss]) });
}

/** A row of the list. */
export function watchRow(row: HTMLElement, changed: () => void): () => void {
  const { runUrl = "", state = "" } = row.dataset;
  const told = (progress: RunProgress): boolean => {
    if (progress.state !== state) {
      changed();
      return false;
    }
    showBar(row, progress);
    showCounts(row, progress);
    return true;
  };
  return poll(runUrl, GOES_ON.has(state) ? IN_LIST_MS : PAUSED_MS, { told, lost: () => undefined });
}

export function show(section: HTMLElement, progress: RunProgress, pace: Pace): void {
  showBar(section, progress);
  showCounts(document, progress);
  const isCarried = progress.seconds_left !== null;
  const perSecond = (isCarried ? pace.lately() : null) ?? progress.reports_per_s;
  const nLeft = progress.n_reports - progress.n_done;
  say(
    section,
    noteText({
      nDone: progress.n_done,
      nReports: progress.n_reports,
      nFailed: progress.n_failed,
      perSecond,
      secondsLeft: isCarried && perSecond ? nLeft / perSecond : progress.seconds_left,
    }),
  );
  const figure = section.querySelector<HTMLElement>("[data-run-plot]");
  if (figure) draw(figure, pace.samples);
}

function showBar(place: HTMLElement, progress: RunProgress): void {
  const bar = place.querySelector("progress");
  if (!bar) return;
  bar.max = Math.max(1, progress.n_reports);
  bar.value = progress.n_done;
}

/** Counts, in all and for each labeled report. What is not known keeps what the page says of it. */
function showCounts(place: ParentNode, progress: RunProgress): void {
  for (const field of place.querySelectorAll<HTMLElement>("[data-count], [data-each]")) {
    const { count, each } = field.dataset;
    const number = progress[count ?? each ?? ""];
    if (typeof number !== "number") continue;
    if (count !== undefined) setText(field, countText(count, number, progress));
    else if (progress.n_labeled > 0) setText(field, numberText(number / progress.n_labeled, 1));
  }
}

function countText(name: string, number: number, progress: RunProgress): string {
  const all = progress["prompt_tokens"];
  if (name !== "cached_tokens" || typeof all !== "number" || all === 0) return numberText(number);
  return `${numberText(number)} (${numberText((100 * number) / all, 1)} %)`;
}

function showHints(section: HTMLElement, wanted: string | null): void {
  for (const hint of section.querySelectorAll<HTMLElement>("[data-hint]")) {
    hint.hidden = hint.dataset["hint"] !== wanted;
  }
}

function say(section: HTMLElement, text: string): void {
  const note = section.querySelector<HTMLElement>("[data-run-note]");
  if (note) setText(note, text);
}
