import { describe, expect, it } from "vitest";
import { cycleImageValue, imageChoices, imageValueOf, setImageValue } from "../../static/src/read/imageValue";
import * as state from "../../static/src/read/state";
import { abdomen, cellOf, payload } from "./helpers";

const KEY = "liver|focal";
const FOCAL = cellOf(KEY);
const start = state.startState(payload(), abdomen);

describe("what the image shows", () => {
  it("is offered likeliest first and never what the report says", () => {
    expect(imageChoices("+")).toEqual(["0", "?", "~", "."]);
    expect(imageChoices("0")).toEqual(["+", "?", "~", "."]);
    expect(imageChoices("!")).toEqual(["+", "?", "0", "~", "."]);
  });

  it("comes with the flag and leaves with it", () => {
    const shown = setImageValue(start, KEY, "0");
    expect(state.noteOf(shown, KEY)).toEqual({ flags: ["image_disagrees"], image_value: "absent" });
    expect(imageValueOf(state.noteOf(shown, KEY))).toBe("0");
    expect(state.noteOf(state.toggleImageDisagrees(shown, KEY), KEY)).toEqual({});
  });

  it("is written by the name that the server knows", () => {
    expect(state.noteOf(setImageValue(start, KEY, "."), KEY)["image_value"]).toBe("not_mentioned");
  });

  it("goes round by one key, the flag staying", () => {
    let now = start;
    const seen = [0, 1, 2, 3, 4].map(() => {
      now = cycleImageValue(now, FOCAL, KEY);
      return imageValueOf(state.noteOf(now, KEY));
    });
    expect(seen).toEqual(["0", "?", "~", ".", null]);
    expect(state.noteOf(now, KEY)).toEqual({ flags: ["image_disagrees"] });
  });

  it("is nothing without the flag", () => {
    expect(imageValueOf({ image_value: "absent" })).toBeNull();
    expect(imageValueOf({ flags: ["image_disagrees"], image_value: "perhaps" })).toBeNull();
    expect(imageValueOf(undefined)).toBeNull();
  });
});
