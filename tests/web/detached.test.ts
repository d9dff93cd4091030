import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ToPage, ToViewer } from "../../static/src/read/channel";
import { ReadingPage } from "../../static/src/read/page";
import { ABDOMEN, payload } from "./helpers";
import { buildTemplate } from "./template";

type Said = { from: string; message: ToViewer | ToPage };

/** A channel that is heard at once, and by nobody who has not been made yet. */
class Channel extends EventTarget {
  static open: Channel[] = [];
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
    Channel.open.push(this);
  }
  postMessage(data: Said): void {
    for (const other of Channel.open.filter((each) => each !== this && each.name === this.name)) {
      other.dispatchEvent(new MessageEvent("message", { data }));
    }
  }
  close(): void {
    Channel.open = Channel.open.filter((each) => each !== this);
  }
}

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

/** The window once its page has been read: what it hears from now on. */
function startWindow(): { heard: ToViewer[]; say: (message: ToPage) => void } {
  const [{ name } = { name: "" }] = Channel.open;
  const channel = new Channel(name);
  const heard: ToViewer[] = [];
  channel.addEventListener("message", (event) => heard.push((event as MessageEvent<Said>).data.message as ToViewer));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target
  return { heard, say: (message) => channel.postMessage({ from: "viewer", message }) };
}

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
