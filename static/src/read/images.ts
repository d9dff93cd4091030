/**
 * The image pane: fetches what the server says of a case's images, shows it in a viewer and keeps the reading's
 * measurements and the viewer's the same. The viewer's code is loaded only when a case has images.
 */

import { byId, el, replaceChildren } from "../lib/dom";
import { toast } from "../lib/toast";
import type { CaseImages, Measurement, Viewer, ViewerCommand, ViewerEvents } from "../viewer/types";
import { fetchImages } from "./api";
import type { CasePayload } from "./types";

export type ViewerMaker = (host: HTMLElement, events: ViewerEvents) => Promise<Viewer>;

/** What the pane tells the page. */
export interface ImageEvents extends ViewerEvents {
  /** Whether this case has images, before any of them has come. */
  onCase(hasImages: boolean): void;
}

type Place = Parameters<Viewer["goToImage"]>[0];

/** What the pane needs to know of a case. */
export type CaseWithImages = Pick<CasePayload, "images"> & { readonly urls: Pick<CasePayload["urls"], "images"> };

/** A viewer in another window, which is told what to show and fetches it itself. */
export interface RemoteViewer extends Pick<Viewer, "goToImage" | "focusTarget" | "setMeasurements" | "run"> {
  open(measurements: readonly Measurement[]): void;
  ahead(url: string): void;
}

export class ImagePane implements Pick<Viewer, "goToImage" | "focusTarget" | "setMeasurements" | "run" | "resize"> {
  private readonly events: ImageEvents;
  private readonly make: ViewerMaker;
  private readonly manifests = new Map<string, Promise<CaseImages | null>>();
  private readonly message = el("div", { class: "image-message", attrs: { role: "status" } });
  private viewer: Viewer | null = null;
  private remote: RemoteViewer | null = null;
  private current: CaseWithImages | null = null;
  private made: Promise<Viewer> | null = null;
  /** Goes up with every case, so that what comes late for another case is dropped. */
  private turn = 0;
  private isShown = false;
  private target: string | null = null;
  private place: Place | null = null;
  private seen: readonly Measurement[] = [];

  constructor(events: ImageEvents, make: ViewerMaker) {
    this.events = events;
    this.make = make;
  }

  /** Opens the images of a case. Those of the case before leave the screen at once, never to stand beside this report. */
  open(payload: CaseWithImages, measurements: readonly Measurement[]): void {
    this.current = payload;
    this.target = null;
    this.place = null;
    this.seen = measurements;
    this.viewer?.show(null, []);
    this.forgetOthers(payload.urls.images);
    this.events.onCase(this.hasImages);
    this.start();
  }

  /** Hands the pictures over to another window; null takes them back. */
  lead(remote: RemoteViewer | null): void {
    this.remote = remote;
    this.viewer?.show(null, []);
    this.start();
  }

  /** What was measured in the other window. */
  fromRemote(measurements: readonly Measurement[]): void {
    if (!this.remote) return;
    this.seen = measurements;
    this.events.onMeasurements(measurements);
  }

  private get hasImages(): boolean {
    return (this.current?.images ?? null) !== null;
  }

  private get active(): Pick<Viewer, "goToImage" | "focusTarget" | "setMeasurements" | "run"> | null {
    if (this.remote) return this.remote;
    return this.isShown ? this.viewer : null;
  }

  private start(): void {
    this.turn += 1;
    this.isShown = false;
    if (!this.current) return;
    if (this.remote) {
      this.remote.open(this.seen);
      if (this.target !== null) this.remote.focusTarget(this.target);
      if (this.place) this.remote.goToImage(this.place);
    } else if (this.hasImages) void this.bring(this.current.urls.images, this.turn);
  }

  /** Loads the images of the next case ahead: what the server says of them, and their first pictures. */
  async ahead(payload: CaseWithImages): Promise<void> {
    if ((payload.images ?? null) === null) return;
    if (this.remote) return this.remote.ahead(payload.urls.images);
    const { turn } = this;
    const images = await this.manifest(payload.urls.images);
    if (images && turn === this.turn) (await this.ready()).prefetch(images);
  }

  goToImage(place: Place): boolean {
    if (!this.hasImages) {
      this.events.onTell("This case has no images.");
      return false;
    }
    if (this.active) return this.active.goToImage(place);
    this.place = place;
    return true;
  }

  focusTarget(target: string | null): void {
    this.target = target;
    this.place = null;
    this.active?.focusTarget(target);
  }

  /** Gives the viewer the measurements of the reading when they are not those it gave: undo, another window. */
  setMeasurements(measurements: readonly Measurement[]): void {
    if (measurements === this.seen) return;
    this.seen = measurements;
    this.active?.setMeasurements(measurements);
  }

  run(command: ViewerCommand): void {
    this.active?.run(command);
  }

  resize(): void {
    this.viewer?.resize();
  }

  private async bring(url: string, turn: number): Promise<void> {
    this.say([]);
    const [images, viewer] = await Promise.all([this.manifest(url), this.ready().catch(() => null)]);
    if (turn !== this.turn) return;
    if (!images || !viewer) return this.sayFailed(url, turn);
    this.isShown = true;
    viewer.show(images, this.seen);
    if (this.target !== null) viewer.focusTarget(this.target);
    if (this.place) viewer.goToImage(this.place);
    this.place = null;
  }

  private ready(): Promise<Viewer> {
    this.made ??= this.make(this.host(), {
      onPick: (target, name) => this.events.onPick(target, name),
      onTell: (message) => this.events.onTell(message),
      onMeasurements: (measurements) => {
        if (!this.isShown) return;
        this.seen = measurements;
        this.events.onMeasurements(measurements);
      },
    }).then(
      (viewer) => (this.viewer = viewer),
      (error: unknown) => {
        this.made = null;
        throw error;
      },
    );
    return this.made;
  }

  private host(): HTMLElement {
    const place = byId("image-place");
    place.after(this.message);
    return place;
  }

  private manifest(url: string): Promise<CaseImages | null> {
    const known = this.manifests.get(url);
    if (known) return known;
    const asked = fetchImages(url).then((result) => {
      if (result.kind === "images") return result.images;
      this.manifests.delete(url);
      return null;
    });
    this.manifests.set(url, asked);
    return asked;
  }

  private forgetOthers(url: string): void {
    for (const known of this.manifests.keys()) if (known !== url) this.manifests.delete(known);
  }

  private sayFailed(url: string, turn: number): void {
    const again = el("button", { class: "button", text: "Try again", attrs: { type: "button" } });
    again.addEventListener("click", () => {
      if (turn === this.turn) void this.bring(url, turn);
    });
    this.say([el("p", { text: "The images could not be loaded." }), again]);
    toast("The images of this case could not be loaded.", { tone: "warn" });
    window.addEventListener("online", () => turn === this.turn && !this.isShown && void this.bring(url, turn), { once: true });
  }

  private say(children: readonly Node[]): void {
    replaceChildren(this.message, children);
    this.message.hidden = children.length === 0;
  }
}
