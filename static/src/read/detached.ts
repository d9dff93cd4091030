/** The images in a window of their own: opened from here, led by this page, and back when it closes. */

import { toast } from "../lib/toast";
import type { Measurement } from "../viewer/types";
import { Line, hasLink, linkOfTab } from "./channel";
import type { ToPage, ToViewer } from "./channel";
import type { RemoteViewer } from "./images";
import type { ReadingPage } from "./page";
import { measurementsOf } from "./state";

const CHECK_MS = 1000;
/** A window that leaves so many checks unanswered has gone without a word. */
const MOST_MISSED = 5;

/** Where the window is to go beside opening its case. */
interface Asked {
  readonly target: string | null;
  readonly place: Parameters<RemoteViewer["goToImage"]>[0] | null;
}

const NOTHING_ASKED: Asked = { target: null, place: null };

export class DetachedViewer {
  private readonly page: ReadingPage;
  private readonly onChange: (isOpen: boolean) => void;
  private line: Line<ToViewer, ToPage> | null = null;
  private handle: Window | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;
  private missed = 0;
  /** Said again when the window is ready: it hears nothing while it starts. */
  private asked = NOTHING_ASKED;
  private isShown = false;
  private isWatching = false;

  constructor(page: ReadingPage, onChange: (isOpen: boolean) => void) {
    this.page = page;
    this.onChange = onChange;
    window.addEventListener("pagehide", () => this.line?.send({ say: "gone" }));
  }

  /** Whether somebody looks at that window, which counts as reading too. */
  get isWatched(): boolean {
    return this.isShown && this.isWatching;
  }

  get isOpen(): boolean {
    return this.isShown;
  }

  /** Opens the window; false when the browser does not let it. Call it while a key or button is pressed. */
  open(): boolean {
    const link = linkOfTab();
    this.listen();
    this.handle = window.open(`${this.page.session.payload.urls.viewer}#${link}`, `overread-${link}`, "popup,width=1280,height=960");
    if (!this.handle) return false;
    this.take();
    return true;
  }

  /** Asks whether the window is still there from before this page was loaded. */
  findOpen(): void {
    if (!hasLink()) return;
    this.listen();
    this.line?.send({ say: "who" });
  }

  close(): void {
    this.line?.send({ say: "close" });
    this.handle?.close();
    this.release();
  }

  sendKeys(): void {
    this.line?.send({ say: "keys", keys: this.page.keys.overrides });
  }

  private listen(): void {
    this.line ??= new Line<ToViewer, ToPage>(linkOfTab(), "page", (message) => this.receive(message));
  }

  private take(): void {
    if (this.isShown) return;
    this.isShown = true;
    this.page.viewer.lead(this.remote());
    this.missed = 0;
    this.timer = setInterval(() => this.check(), CHECK_MS);
    this.onChange(true);
  }

  private check(): void {
    this.missed += 1;
    if (this.handle?.closed || (this.handle === null && this.missed > MOST_MISSED)) this.release();
    else this.line?.send({ say: "alive" });
  }

  private release(): void {
    if (!this.isShown) return;
    this.isShown = false;
    this.handle = null;
    if (this.timer !== null) clearInterval(this.timer);
    this.page.viewer.lead(null);
    this.onChange(false);
  }

  private receive(message: ToPage): void {
    const { page } = this;
    this.missed = 0;
    switch (message.say) {
      case "alive":
        return;
      case "here":
        this.take();
        this.sendKeys();
        this.sendCase(measurementsOf(page.state));
        return this.sendAsked();
      case "gone":
        return this.release();
      case "measurements":
        if (message.id === page.session.payload.case.id) page.viewer.fromRemote(message.measurements);
        return;
      case "watching":
        this.isWatching = message.isWatching;
        page.session.timer.setWatching(message.isWatching || document.hasFocus(), performance.now());
        return;
      case "input":
        return page.session.timer.input(performance.now());
      case "pick":
        return page.words.pick(message.target, message.name);
      case "tell":
        return toast(message.message);
      case "undo":
      case "redo":
      case "submit":
        if (!page.hasDialog && !page.session.autosave.isFinished) page.run({ do: message.say });
    }
  }

  private sendCase(measurements: readonly Measurement[]): void {
    const { case: info, urls, images } = this.page.session.payload;
    this.line?.send({ say: "case", id: info.id, key: info.key, images: images ? urls.images : null, measurements });
  }

  private sendAsked(): void {
    const { target, place } = this.asked;
    if (target !== null) this.line?.send({ say: "target", target });
    if (place !== null) this.line?.send({ say: "place", place });
  }

  /** A viewer whose pictures are in the other window. */
  private remote(): RemoteViewer {
    const send = (message: ToViewer): void => this.line?.send(message);
    return {
      open: (measurements) => {
        this.asked = NOTHING_ASKED;
        this.sendCase(measurements);
      },
      ahead: (images) => send({ say: "ahead", images }),
      goToImage: (place) => {
        this.asked = { ...this.asked, place };
        send({ say: "place", place });
        return true;
      },
      focusTarget: (target) => {
        // The later of the two says where the pictures are.
        this.asked = { target, place: null };
        send({ say: "target", target });
      },
      setMeasurements: (measurements) => send({ say: "measurements", measurements }),
      run: (command) => send({ say: "run", command }),
    };
  }
}
