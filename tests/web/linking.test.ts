import { describe, expect, it } from "vitest";
import { Linking } from "../../static/src/viewer/linking";
import { SeriesState } from "../../static/src/viewer/seriesState";
import type { SeriesInfo } from "../../static/src/viewer/types";
import { grid, sure, volume } from "./viewerFixtures";

/** A volume of 20 pictures that begins `start_mm` above the origin of its frame. */
function series(id: number, frame: string | undefined, start_mm = 0, changes: Partial<SeriesInfo> = {}): SeriesState {
  const affine_lps = [2, 0, 0, 10, 0, 0.5, 0, 20, 0, 0, 5, start_mm, 0, 0, 0, 1];
  const of = frame === undefined ? {} : { frame_of_reference_uid: frame };
  return new SeriesState(volume(id, 20, { grid: { ...grid(20), affine_lps }, ...of, ...changes }));
}
const picture = (state: SeriesState): number => state.pictureOf(sure(state.planes[0]));
const scroll = (linking: Linking, state: SeriesState, to: number): void => {
  state.setPicture(sure(state.planes[0]), to);
  linking.follow(state);
};

describe("two series side by side", () => {
  it.each([
    ["of one frame of reference", "1.2.3", "1.2.3"],
    ["of which one names no frame", "1.2.3", ""],
    ["that name none", undefined, undefined],
  ])("%s go to the same place", (_, one, other) => {
    const [main, beside] = [series(1, one), series(2, other, 10)];
    const linking = new Linking();
    linking.join(main, beside);
    scroll(linking, main, 9);
    // Picture 9 lies at 45 mm; that is picture 7 of the one that begins at 10 mm.
    expect(picture(beside)).toBe(7);
    expect(linking.word).toBeNull();
  });

  it("of different frames keep their distance in pictures, and say so", () => {
    const [main, beside] = [series(1, "1.2.3"), series(2, "1.2.4", 1000)];
    const linking = new Linking();
    beside.setPicture(sure(beside.planes[0]), 6);
    linking.join(main, beside);
    expect(picture(main)).toBe(2);
    scroll(linking, main, 5);
    expect(picture(beside)).toBe(9);
    scroll(linking, beside, 8);
    expect(picture(main)).toBe(4);
    expect(linking.word).toBe("Scrolls by number, not by place: the two series have different frames of reference.");
  });

  it("come back to their distance from beyond an end", () => {
    const [main, beside] = [series(1, "1.2.3"), series(2, "1.2.4")];
    const linking = new Linking();
    beside.setPicture(sure(beside.planes[0]), 12);
    linking.join(main, beside);
    scroll(linking, main, 19);
    expect(picture(beside)).toBe(19);
    scroll(linking, main, 2);
    expect(picture(beside)).toBe(12);
  });

  it("take the distance that they have when they are linked again", () => {
    const [main, beside] = [series(1, "1.2.3"), series(2, "1.2.4")];
    const linking = new Linking();
    linking.join(main, beside);
    linking.toggle();
    scroll(linking, main, 7);
    expect([picture(beside), linking.word]).toEqual([2, null]);
    linking.toggle();
    scroll(linking, main, 8);
    expect(picture(beside)).toBe(3);
  });

  it("of different frames and planes are not linked, and say so", () => {
    const affine_lps = [0, 0, 5, 10, 2, 0, 0, 20, 0, -0.5, 0, 30, 0, 0, 0, 1];
    const [main, beside] = [series(1, "1.2.3"), series(2, "1.2.4", 0, { grid: { ...grid(20), affine_lps } })];
    const linking = new Linking();
    linking.join(main, beside);
    scroll(linking, main, 9);
    expect(picture(beside)).toBe(2);
    expect(linking.word).toBe("Not linked: the two series have different frames of reference and planes.");
  });

  it("that do not say where they lie are linked by number", () => {
    const stack = (id: number): SeriesState => {
      const given = volume(id, 20, { kind: "stack", grid: null });
      return new SeriesState({ ...given, images: given.images.map((image) => ({ ...image, position: null })) });
    };
    const [main, beside] = [stack(1), stack(2)];
    const linking = new Linking();
    linking.join(main, beside);
    scroll(linking, main, 9);
    expect(picture(beside)).toBe(9);
    expect(linking.word).toBe("Scrolls by number, not by place: not both series say where they lie.");
  });
});
