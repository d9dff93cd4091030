import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ToViewer } from "../../static/src/read/channel";
import { ReadingPage } from "../../static/src/read/page";
import { ABDOMEN, payload } from "./helpers";
import { buildTemplate } from "./template";
import { Channel, startWindow } from "./windows";

beforeEach(() => {
  buildTemplate();
  sessionStorage.clear();
  Channel.open = [];
  vi.useFakeTimers();
  vi.stubGlobal("BroadcastChannel", Channel);
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ case: null, remaining: 0 }))));
  vi.spyOn(window, "open").mockReturnValue({ closed: false, close: () => undefined } as unknown as Window);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the window of the images", () => {
  const opened = (): ReadingPage => {
    const page = new ReadingPage(ABDOMEN, payload({ images: { n_series: 1 } }), "7");
    page.run({ do: "layout", layout: "two" });
    return page;
  };
  const asked = (heard: readonly ToViewer[]): ToViewer[] => heard.filter(({ say }) => say === "case" || say === "target" || say === "place");

  it("is told, once it is ready, what was asked for while it started", () => {
    const page = opened();
    page.run({ do: "row", row: 1 });
    page.viewer.goToImage({ series: 3, image: 45 });
    const { heard, say } = startWindow();
    say({ say: "here" });
    expect(asked(heard).slice(-3)).toMatchObject([
      { say: "case", id: 1 },
      { say: "target", target: "liver" },
      { say: "place", place: { series: 3, image: 45 } },
    ]);
  });

  it("goes to a target that was chosen after a cited image, not back to the image", () => {
    const page = opened();
    page.viewer.goToImage({ series: 3, image: 45 });
    page.run({ do: "row", row: 1 });
    const { heard, say } = startWindow();
    say({ say: "here" });
    expect(asked(heard).map((message) => message.say)).toEqual(["case", "target"]);
  });

  it("is not sent to an image of the case before", () => {
    const page = opened();
    page.viewer.goToImage({ series: 3, image: 45 });
    page.showCase(payload({ case: { ...payload().case, id: 2, key: "R0002" }, images: { n_series: 1 } }));
    const { heard, say } = startWindow();
    say({ say: "here" });
    expect(asked(heard)).toMatchObject([{ say: "case", id: 2 }]);
  });
});
