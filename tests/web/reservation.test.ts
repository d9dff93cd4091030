import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReadingPage } from "../../static/src/read/page";
import { ReservationKeeper } from "../../static/src/read/reservation";
import type { CasePayload } from "../../static/src/read/types";

const payload = {
  case: { is_own: true },
  urls: { heartbeat: "/heartbeat" },
  reservation: { until: "2026-11-28T08:00:00Z", is_lapsed: false },
} as unknown as CasePayload;
let answer = new Response();

beforeEach(() => {
  document.body.innerHTML = '<button id="give-back-button"></button><p id="reservation-notice" hidden></p>';
  vi.useFakeTimers();
  vi.stubGlobal("fetch", () => Promise.resolve(answer.clone()));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function afterOneBeat(status: number, body: unknown): Promise<HTMLElement> {
  const session = { payload, timer: { seconds: 5 }, autosave: { isFinished: false } };
  const keeper = new ReservationKeeper({ session } as unknown as ReadingPage);
  keeper.begin(payload);
  answer = new Response(JSON.stringify(body), { status });
  await keeper.tick();
  return document.querySelector<HTMLElement>("#reservation-notice") as HTMLElement;
}

describe("a case of the queue", () => {
  it("says nothing while it is the reader's", async () => {
    expect((await afterOneBeat(200, payload.reservation)).hidden).toBe(true);
  });

  it("says that its time ran out, and that what was typed is kept", async () => {
    expect((await afterOneBeat(200, { until: null, is_lapsed: true })).textContent).toContain("What you typed is kept");
  });

  it("says that another reader has it, where nothing was typed", async () => {
    const notice = await afterOneBeat(404, { error: { code: "not_found", message: "" } });
    expect(notice.hidden).toBe(false);
    expect(notice.textContent).toContain("another reader has it");
    expect(document.querySelector<HTMLElement>("#give-back-button")?.hidden).toBe(true);
  });
});
