/** The images in a window of their own, beside those of the page: it follows the case. What is measured in it is not kept. */

import { toast } from "../lib/toast";
import { Line, hasLink, linkOfTab } from "../read/channel";
import type { ToPage, ToViewer } from "../read/channel";
import type { KeyMap } from "../read/keymap";
import type { Viewer } from "../viewer/types";
import type { DisputedCase } from "./types";

export class FollowingWindow implements Pick<Viewer, "focusTarget"> {
  private readonly keys: KeyMap;
  private line: Line<ToViewer, ToPage> | null = null;
  private shown: DisputedCase | null = null;
  private target: string | null = null;

  constructor(keys: KeyMap) {
    this.keys = keys;
    // A window from before this page was loaded is found again.
    if (hasLink()) this.listen().send({ say: "who" });
    window.addEventListener("pagehide", () => this.line?.send({ say: "gone" }));
  }

  /** Opens the window; false when the browser does not let it. Call it while a key or button is pressed. */
  open(payload: DisputedCase): boolean {
    this.listen();
    const link = linkOfTab();
    return window.open(`${payload.urls.viewer}#${link}`, `overread-${link}`, "popup,width=1280,height=960") !== null;
  }

  show(payload: DisputedCase): void {
    this.shown = payload;
    this.target = null;
    this.sendCase();
  }

  focusTarget(target: string | null): void {
    this.target = target;
    this.line?.send({ say: "target", target });
  }

  goToImage(place: Parameters<Viewer["goToImage"]>[0]): void {
    this.line?.send({ say: "place", place });
  }

  private listen(): Line<ToViewer, ToPage> {
    return (this.line ??= new Line<ToViewer, ToPage>(linkOfTab(), "page", (message) => this.receive(message)));
  }

  private receive(message: ToPage): void {
    if (message.say === "tell") return toast(message.message);
    if (message.say === "pick") return toast(message.name);
    if (message.say !== "here") return;
    this.line?.send({ say: "keys", keys: this.keys.overrides });
    this.sendCase();
    if (this.target !== null) this.focusTarget(this.target);
  }

  private sendCase(): void {
    if (!this.shown) return;
    const { case: info, urls, images } = this.shown;
    this.line?.send({ say: "case", id: info.id, key: info.key, images: images ? urls.images : null, measurements: null });
  }
}
