/** Waits for a release that is being frozen, and says how far it is. */

import { setText } from "../lib/dom";
import { poll } from "../runs/polling";
import type { Loss } from "../runs/polling";

const POLL_MS = 1000;

const WORDS: Readonly<Record<string, string>> = {
  queued: "Waiting for a worker.",
  running: "Being frozen",
};
const LOST: Readonly<Record<Loss, string>> = {
  unreachable: "The server cannot be reached. The release does not need this page, which tries again.",
  refused: "The server does not show this release any more. Reload the page, and sign in again if it asks.",
};

/** `section` is `[data-release-url]`. The page is loaded anew when it is over. Returns what stops the asking. */
export function watchRelease(section: HTMLElement, reload: () => void): () => void {
  const place = section.querySelector<HTMLElement>("[data-release-words]");
  const say = (words: string): void => {
    if (place && place.textContent !== words) setText(place, words);
  };
  return poll(section.dataset["releaseUrl"] ?? "", POLL_MS, {
    told: ({ state, progress }) => {
      const words = WORDS[state];
      if (words === undefined) {
        reload();
        return false;
      }
      say(progress ? `${words}: ${progress}` : words);
      return true;
    },
    lost: (loss) => say(LOST[loss]),
  });
}
