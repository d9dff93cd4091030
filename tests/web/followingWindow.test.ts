import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DisputedCase } from "../../static/src/adjudicate/types";
import { FollowingWindow } from "../../static/src/adjudicate/window";
import { KeyMap } from "../../static/src/read/keymap";
import { Channel, startWindow } from "./windows";

function disputed(id: number): DisputedCase {
  const urls = { images: `/images/${id}`, viewer: `/viewer/${id}` };
  return { case: { id, key: `CT-${id}`, position: id }, images: { n_series: 1 }, cells: [], urls } as unknown as DisputedCase;
}

const caseOf = (id: number): object => ({ say: "case", id, key: `CT-${id}`, images: `/images/${id}`, measurements: null });

beforeEach(() => {
  sessionStorage.clear();
  Channel.open = [];
  vi.stubGlobal("BroadcastChannel", Channel);
});
afterEach(() => vi.unstubAllGlobals());

it("shows the case of the page, then the next one, and keeps nothing that is measured", () => {
  const opened = vi.spyOn(window, "open").mockReturnValue({} as Window);
  const following = new FollowingWindow(new KeyMap({}));
  following.show(disputed(1));
  following.focusTarget("liver");
  expect(following.open(disputed(1))).toBe(true);
  expect(opened.mock.calls[0]?.[0]).toMatch(/^\/viewer\/1#./);
  const { heard, say } = startWindow();
  say({ say: "here" });
  following.show(disputed(2));
  following.focusTarget("spleen");
  expect(heard.filter((each) => each.say !== "keys")).toEqual([
    caseOf(1),
    { say: "target", target: "liver" },
    caseOf(2),
    { say: "target", target: "spleen" },
  ]);
});

it("is found again by a page that is loaded anew", () => {
  vi.spyOn(window, "open").mockReturnValue({} as Window);
  new FollowingWindow(new KeyMap({})).open(disputed(1));
  const { heard, say } = startWindow();
  const later = new FollowingWindow(new KeyMap({}));
  expect(heard).toEqual([{ say: "who" }]);
  later.show(disputed(3));
  say({ say: "here" });
  expect(heard.filter((each) => each.say === "case")).toEqual([caseOf(3), caseOf(3)]);
});
