import { describe, expect, it } from "vitest";
import { findImageMentions, mentionText } from "../../static/src/read/imageLinks";

/** Words, series, first and last image of each mention. */
function found(text: string): [string, number | null, number, number][] {
  return findImageMentions(text).map(({ start, end, series, image, last }) => [text.slice(start, end), series, image, last]);
}

describe("images that a report cites", () => {
  it.each([
    ["a cyst (series 3, image 45).", [["series 3, image 45", 3, 45, 45]]],
    ["(se 3/im 45)", [["se 3/im 45", 3, 45, 45]]],
    ["possibly GIST (series 301 image 94), stable", [["series 301 image 94", 301, 94, 94]]],
    ["SERIES 2 IMAGE 71", [["SERIES 2 IMAGE 71", 2, 71, 71]]],
    ["at the base (se 2 im 88).", [["se 2 im 88", 2, 88, 88]]],
    ["ser 2 img 31", [["ser 2 img 31", 2, 31, 31]]],
    ["Se. 3, Im. 7.", [["Se. 3, Im. 7", 3, 7, 7]]],
    ["series: 4; image: 12", [["series: 4; image: 12", 4, 12, 12]]],
    ["series #4, image #12", [["series #4, image #12", 4, 12, 12]]],
    ["series 3 (image 45)", [["series 3 (image 45", 3, 45, 45]]],
    ["series 3,\nimage 45", [["series 3,\nimage 45", 3, 45, 45]]],
    ["series 3/45", [["series 3/45", 3, 45, 45]]],
    ["series 3, image 12/35", [["series 3, image 12/35", 3, 12, 12]]],
    ["image 210/5", [["image 210/5", 5, 210, 210]]],
    ["(image 45 of series 3)", [["image 45 of series 3", 3, 45, 45]]],
    ["image 45, series 3", [["image 45, series 3", 3, 45, 45]]],
    ["im 45 se 3", [["im 45 se 3", 3, 45, 45]]],
    ["see image 45.", [["image 45", null, 45, 45]]],
    ["image no. 45", [["image no. 45", null, 45, 45]]],
    ["(im 45)", [["im 45", null, 45, 45]]],
    ["images 45-48", [["images 45-48", null, 45, 48]]],
    ["series 3, images 45 to 48", [["series 3, images 45 to 48", 3, 45, 48]]],
    ["slice 12", [["slice 12", null, 12, 12]]],
  ])("%s", (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it("finds each of several", () => {
    expect(found("(series 3, image 9; series 6, image 28)")).toEqual([
      ["series 3, image 9", 3, 9, 9],
      ["series 6, image 28", 6, 28, 28],
    ]);
    expect(found("image 9; series 6, image 28")).toEqual([
      ["image 9", null, 9, 9],
      ["series 6, image 28", 6, 28, 28],
    ]);
    expect(found("series 3, images 45, 47 and 50 show")).toEqual([
      ["series 3, images 45", 3, 45, 45],
      ["47", 3, 47, 47],
      ["50", 3, 50, 50],
    ]);
    expect(found("images 210/5 and 212/5")).toEqual([
      ["images 210/5", 5, 210, 210],
      ["212/5", 5, 212, 212],
    ]);
    expect(found("images 45 and 47 of series 3")).toEqual([
      ["images 45", 3, 45, 45],
      ["47 of series 3", 3, 47, 47],
    ]);
  });

  it.each([
    "Image quality is limited.",
    "3 images were obtained.",
    "Images acquired at 10:45.",
    "image 10:45 hours",
    "se 4000",
    "SE 4000/90",
    "T1 SE 500/20",
    "series of 3 images",
    "series 3 was repeated",
    "series 2 images are blurred",
    "images 3 mm thick",
    "images 3mm thick",
    "MR images 3T",
    "image 4.5 cm",
    "images 3 months ago",
    "compared with images 3/4/2021",
    "images 2021-03-04",
    "images 2019",
    "Ketorolac IM 45 given",
    "noise 3 images",
    "L5-S1 disc (3/45)",
    "image 12345",
    "imagery 45",
    "images 5 x 6",
  ])("is none: %s", (text) => {
    expect(found(text)).toEqual([]);
  });

  it("leaves a count behind a mention alone", () => {
    expect(found("series 3, image 45 and 2 cysts")).toEqual([["series 3, image 45", 3, 45, 45]]);
    expect(found("(series 3, image 45, 2.1 cm)")).toEqual([["series 3, image 45", 3, 45, 45]]);
    expect(found("series 3, images 45 and 2 cm below")).toEqual([["series 3, images 45", 3, 45, 45]]);
  });

  it("takes (3/45) where the report says what it means", () => {
    expect(found("Key: (series/image). A cyst (3/45), strength (5/5).")).toEqual([
      ["3/45", 3, 45, 45],
      ["5/5", 5, 5, 5],
    ]);
    expect(found("A cyst (series 3/image 45), strength (5/5).")).toEqual([["series 3/image 45", 3, 45, 45]]);
  });

  it("counts UTF-16 units", () => {
    const [only] = findImageMentions("🫀 image 45");
    expect(only).toMatchObject({ start: 3, end: 11 });
  });

  it("needs a time that grows with the text alone", () => {
    const before = performance.now();
    expect(findImageMentions(`${"series ".repeat(20_000)}${"image ( ".repeat(20_000)}${" ".repeat(50_000)}`)).toEqual([]);
    expect(findImageMentions(`series 3${" ".repeat(200_000)}`)).toEqual([]);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it("is said in words", () => {
    expect(mentionText({ series: 3, image: 45, last: 45 })).toBe("series 3, image 45");
    expect(mentionText({ series: null, image: 45, last: 48 })).toBe("images 45 to 48");
  });
});
