/**
 * The image pane as the page sees it. The frame, series list and the server's preview stand at once; the engine with
 * Cornerstone comes by a second request, and only when a case has images. What is asked before then is done then.
 */

import "../styles/viewer.css";
import "../styles/viewer-panes.css";
import { findPicture, firstSeries } from "./places";
import { Shelf } from "./shelf";
import type { Stage } from "./stage";
import type { CaseImages, Measurement, Viewer, ViewerCommand, ViewerEvents } from "./types";
import { View } from "./view";

export interface ViewerOptions {
  readonly events: ViewerEvents;
  /** True or false chooses the renderer; absent, the browser's abilities do. */
  readonly useCpu?: boolean;
}

class LazyViewer implements Viewer {
  private readonly view: View;
  private readonly events: ViewerEvents;
  private readonly useCpu: boolean | null;
  /** Pictures are fetched from the first moment, beside the engine that draws them. */
  private readonly shelf = new Shelf();
  private stage: Stage | null = null;
  private coming: Promise<void> | null = null;
  private images: CaseImages | null = null;
  private waiting: ((stage: Stage) => void)[] = [];

  constructor(options: ViewerOptions) {
    this.events = options.events;
    this.useCpu = options.useCpu ?? null;
    this.view = new View({
      run: (command) => this.run(command),
      pickSeries: (id) => this.withStage((stage) => stage.pickSeries(id)),
      toPicture: (picture) => this.withStage((stage) => stage.toPicture(picture)),
      setOpacity: (opacity) => this.withStage((stage) => stage.setOpacity(opacity)),
    });
  }

  get element(): HTMLElement {
    return this.view.element;
  }

  show(images: CaseImages | null, measurements: readonly Measurement[]): void {
    this.images = images;
    this.view.showCase(images);
    this.waiting = [];
    this.shelf.setCase(images);
    const first = images ? firstSeries(images) : null;
    if (first && !this.stage) {
      this.view.showSeries(first);
      // Starting the engine takes the page some tenths of a second: not before there is something to look at.
      void this.view.showPreview(first).then(() => this.bringStage());
    }
    if (first) this.shelf.state(first).loader.start();
    this.withStage((stage) => stage.show(images, measurements));
  }

  prefetch(images: CaseImages): void {
    if (images.series.length === 0) return;
    this.shelf.prefetch(images);
    if (!this.images) void this.bringStage();
  }

  goToImage(place: { readonly series: number | null; readonly image: number }): boolean {
    if (this.stage) return this.stage.goToImage(place);
    const found = this.images ? findPicture(this.images, place, firstSeries(this.images)) : "This case has no images.";
    if (typeof found === "string") {
      this.events.onTell(found);
      return false;
    }
    this.withStage((stage) => stage.goToImage(place));
    return true;
  }

  focusTarget(target: string | null): void {
    this.withStage((stage) => stage.focusTarget(target));
  }

  setMeasurements(measurements: readonly Measurement[]): void {
    this.withStage((stage) => stage.setMarks(measurements));
  }

  run(command: ViewerCommand): void {
    this.withStage((stage) => stage.run(command));
  }

  resize(): void {
    this.stage?.resize();
  }

  private withStage(work: (stage: Stage) => void): void {
    if (this.stage) work(this.stage);
    else this.waiting.push(work);
  }

  private bringStage(): Promise<void> {
    this.coming ??= import("./stage").then(
      ({ Stage }) => {
        this.stage = new Stage(this.view, this.events, { shelf: this.shelf, useCpu: this.useCpu });
        for (const work of this.waiting.splice(0)) work(this.stage);
      },
      () => {
        // Comes again with the next case, or when the network is back.
        this.coming = null;
        this.element.dataset["state"] = "failed";
        this.events.onTell("The image viewer could not be loaded. It is tried again when the network is back.");
        window.addEventListener("online", () => void this.bringStage(), { once: true });
      },
    );
    return this.coming;
  }
}

/** Puts an empty viewer into `host`. */
export function createViewer(host: HTMLElement, options: ViewerOptions): Viewer {
  const viewer = new LazyViewer(options);
  host.append(viewer.element);
  return viewer;
}
