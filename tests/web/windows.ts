/** A channel and a window of images at its other end, for tests. */

import type { ToPage, ToViewer } from "../../static/src/read/channel";

type Said = { from: string; message: ToViewer | ToPage };

/** A channel that is heard at once, and by nobody who has not been made yet. */
export class Channel extends EventTarget {
  static open: Channel[] = [];
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
    Channel.open.push(this);
  }
  postMessage(data: Said): void {
    for (const other of Channel.open.filter((each) => each !== this && each.name === this.name)) {
      other.dispatchEvent(new MessageEvent("message", { data }));
    }
  }
  close(): void {
    Channel.open = Channel.open.filter((each) => each !== this);
  }
}

/** The window once its page has been read: what it hears from now on. */
export function startWindow(): { heard: ToViewer[]; say: (message: ToPage) => void } {
  const [{ name } = { name: "" }] = Channel.open;
  const channel = new Channel(name);
  const heard: ToViewer[] = [];
  channel.addEventListener("message", (event) => heard.push((event as MessageEvent<Said>).data.message as ToViewer));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target
  return { heard, say: (message) => channel.postMessage({ from: "viewer", message }) };
}
