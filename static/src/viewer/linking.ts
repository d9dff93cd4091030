/** Two series side by side that scroll together: by place in the patient where they share a frame of reference, else by number. */

import type { SeriesState } from "./seriesState";

/** Why two series cannot be led to the same place; null when they can. */
function whyNoPlace(one: SeriesState, other: SeriesState): string | null {
  if (!one.series.images[0]?.position || !other.series.images[0]?.position) return "not both series say where they lie";
  const frames = [one.series.frame_of_reference_uid, other.series.frame_of_reference_uid];
  // A NIfTI file names no frame: its series is taken to lie where its neighbours of the same study do.
  if (!frames[0] || !frames[1] || frames[0] === frames[1]) return null;
  return "the two series have different frames of reference";
}

export class Linking {
  isOn = true;
  private pair: readonly [main: SeriesState, beside: SeriesState] | null = null;
  /** Pictures from one to the other, where there is no common place. */
  private offset = 0;

  /** Which two stand side by side; without a common place they keep the distance that they have when they come together. */
  join(main: SeriesState | null, beside: SeriesState | null): void {
    const before = this.pair;
    this.pair = main && beside && main !== beside ? [main, beside] : null;
    if (before?.[0] !== main || before?.[1] !== beside) this.measure();
  }

  toggle(): void {
    this.isOn = !this.isOn;
    this.measure();
  }

  /** Takes the other series along. */
  follow(leader: SeriesState): void {
    if (!this.isOn || !this.pair) return;
    const [main, beside] = this.pair;
    const other = leader === main ? beside : main;
    if (whyNoPlace(main, beside) === null) other.goTo(leader.point);
    else if (this.isSamePlane && other.planes[0]) {
      other.setPicture(other.planes[0], leader.cursor[2] + (leader === main ? this.offset : -this.offset));
    }
  }

  /** What the reader must know of the link; null when the two show the same place, or are not linked. */
  get word(): string | null {
    const why = this.pair && this.isOn ? whyNoPlace(...this.pair) : null;
    if (why === null) return null;
    return this.isSamePlane ? `Scrolls by number, not by place: ${why}.` : `Not linked: ${why} and planes.`;
  }

  private measure(): void {
    if (this.pair) this.offset = this.pair[1].cursor[2] - this.pair[0].cursor[2];
  }

  private get isSamePlane(): boolean {
    const [main, beside] = this.pair ?? [];
    return main?.planes[0]?.name === beside?.planes[0]?.name;
  }
}
