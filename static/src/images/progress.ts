/** Asks how far an import is, until it has ended. */

const EVERY_MS = 1000;
const SLOWLY_MS = 5000;

interface Progress {
  readonly state: string;
  readonly n_done: number;
  readonly n_files: number;
  readonly [count: string]: string | number;
}

/** Shows the progress in `element`; calls `ended` once, when the import is over. */
export function watch(element: HTMLElement, ended: () => void): void {
  const url = element.dataset["progressUrl"] ?? "";
  const ask = async (): Promise<void> => {
    let wait = EVERY_MS;
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      const progress = (await response.json()) as Progress;
      if (progress.state !== "running") return ended();
      show(element, progress);
    } catch {
      wait = SLOWLY_MS;
      say(element, "The server cannot be reached. The import goes on; this page tries again.");
    }
    window.setTimeout(() => void ask(), wait);
  };
  window.setTimeout(() => void ask(), EVERY_MS);
}

export function show(element: HTMLElement, progress: Progress): void {
  const bar = element.querySelector("progress");
  if (bar) {
    bar.max = Math.max(1, progress.n_files);
    bar.value = progress.n_done;
  }
  const all = progress.n_files > progress.n_done ? ` of ${progress.n_files.toLocaleString()}` : "";
  say(element, `${progress.n_done.toLocaleString()}${all} files are done.`);
  for (const field of document.querySelectorAll<HTMLElement>("[data-count]")) {
    const count = progress[field.dataset["count"] ?? ""];
    if (typeof count === "number") field.textContent = count.toLocaleString();
  }
}

function say(element: HTMLElement, text: string): void {
  const note = element.querySelector<HTMLElement>("[data-progress-note]");
  if (note && note.textContent !== text) note.textContent = text;
}
