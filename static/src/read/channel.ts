/** What the reading page and a window with its images say to each other. Only the reading page saves. */

import { uuid4 } from "../lib/uuid";
import type { Measurement, Viewer, ViewerCommand } from "../viewer/types";
import type { PreferenceData } from "./preferences";

/** From the reading page to the window. */
export type ToViewer =
  /** "who" asks for the answer "here", "alive" for the answer "alive"; "gone": nothing that is measured is kept from now on. */
  | { readonly say: "who" | "alive" | "gone" }
  | {
      readonly say: "case";
      readonly id: number;
      readonly key: string;
      readonly images: string | null;
      /** Null: nothing that is measured is kept. */
      readonly measurements: readonly Measurement[] | null;
    }
  | { readonly say: "ahead"; readonly images: string }
  | { readonly say: "target"; readonly target: string | null }
  | { readonly say: "place"; readonly place: Parameters<Viewer["goToImage"]>[0] }
  | { readonly say: "measurements"; readonly measurements: readonly Measurement[] }
  | { readonly say: "run"; readonly command: ViewerCommand }
  | { readonly say: "keys"; readonly keys: PreferenceData["keys"] }
  | { readonly say: "close" };

/** From the window to the reading page. */
export type ToPage =
  | { readonly say: "here" }
  | { readonly say: "measurements"; readonly id: number; readonly measurements: readonly Measurement[] }
  | { readonly say: "pick"; readonly target: string | null; readonly name: string }
  | { readonly say: "tell"; readonly message: string }
  | { readonly say: "undo" | "redo" | "submit" }
  | { readonly say: "watching"; readonly isWatching: boolean }
  | { readonly say: "alive" | "input" | "gone" };

const LINK_KEY = "overread:viewer-link";

/** Names this tab over reloads, so that its window finds it again. */
export function linkOfTab(): string {
  const known = sessionStorage.getItem(LINK_KEY);
  if (known) return known;
  const link = uuid4();
  sessionStorage.setItem(LINK_KEY, link);
  return link;
}

/** Whether this tab has opened a window before. */
export function hasLink(): boolean {
  return sessionStorage.getItem(LINK_KEY) !== null;
}

/** A line between one reading tab and its window. `link` names the tab, so that two tabs never mix. */
export class Line<Sent, Received> {
  private readonly channel: BroadcastChannel;
  private readonly from: string;

  constructor(link: string, from: "page" | "viewer", onMessage: (message: Received) => void) {
    this.channel = new BroadcastChannel(`overread-viewer:${link}`);
    this.channel.addEventListener("message", (event: MessageEvent<{ from: string; message: Received }>) => {
      if (event.data.from !== from) onMessage(event.data.message);
    });
    this.from = from;
  }

  send(message: Sent): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target
    this.channel.postMessage({ from: this.from, message });
  }

  close(): void {
    this.channel.close();
  }
}
