import { beforeEach, describe, expect, it } from "vitest";
import type { SaveResult } from "../../static/src/read/api";
import { Autosave, DELAY_MS } from "../../static/src/read/autosave";
import type { Conflict, LocalCopy, SaveStatus } from "../../static/src/read/autosave";
import type { Draft, DraftRequest, Labels } from "../../static/src/read/types";
import { labels } from "./helpers";

const START = labels();
const ONE = labels({ "liver|focal": "+" });
const TWO = labels({ "liver|focal": "0" });
const UNREACHABLE: SaveResult = { kind: "unreachable" };

/** Time and a server that answer when the test says so. */
class Bench {
  readonly sent: { body: DraftRequest; keepalive: boolean }[] = [];
  readonly statuses: SaveStatus[] = [];
  readonly conflicts: Conflict[] = [];
  readonly shown: Labels[] = [];
  copy: LocalCopy | null = null;
  nowMs = 0;
  seconds = 0;
  presses = 0;
  private readonly answers: ((result: SaveResult) => void)[] = [];
  private timers: { atMs: number; run: () => void }[] = [];
  readonly autosave: Autosave;

  constructor(version = 0) {
    const start = { version, labels: START, clientId: "me", prefillRun: null, round: 2 };
    this.autosave = new Autosave(start, {
      send: (body, keepalive) => {
        this.sent.push({ body, keepalive });
        return new Promise((resolve) => this.answers.push(resolve));
      },
      after: (ms, run) => {
        const timer = { atMs: this.nowMs + ms, run };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((each) => each !== timer);
        };
      },
      nowMs: () => this.nowMs,
      keep: (copy) => {
        this.copy = copy;
      },
      pending: () => ({ seconds: this.seconds, presses: this.presses }),
      confirm: ({ seconds, presses }) => {
        this.seconds -= seconds;
        this.presses -= presses;
      },
      onStatus: (status) => this.statuses.push(status),
      onConflict: (conflict) => this.conflicts.push(conflict),
      onTheirs: (theirs) => this.shown.push(theirs),
    });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.timers.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.timers = this.timers.filter((each) => each !== timer);
      timer.run();
    }
  }

  async answer(result: SaveResult): Promise<void> {
    const resolve = this.answers.shift();
    if (!resolve) throw new Error("nothing was asked");
    resolve(result);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }

  async accept(): Promise<void> {
    const { version } = this.lastBody;
    await this.answer({ kind: "saved", version: version + 1, savedAt: "" });
  }

  get lastBody(): DraftRequest {
    const last = this.sent.at(-1);
    if (!last) throw new Error("nothing was sent");
    return last.body;
  }

  get kind(): string {
    return this.autosave.status.kind;
  }
}

function draft(content: Labels, version: number, clientId: string): Draft {
  return { ...content, version, client_id: clientId, active_seconds: 0, saved_at: "" };
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("saving", () => {
  it("waits a moment, sends once with the newest labels, and is saved when acknowledged", async () => {
    bench.autosave.change(ONE);
    bench.autosave.change(TWO);
    expect(bench.sent).toHaveLength(0);
    bench.pass(DELAY_MS);
    expect(bench.sent).toHaveLength(1);
    expect(bench.lastBody.values).toBe(TWO.values);
    expect(bench.lastBody.version).toBe(0);
    expect(bench.kind).toBe("saving");
    await bench.accept();
    expect(bench.kind).toBe("saved");
    expect(bench.copy).toBeNull();
    expect(bench.autosave.isUnsafe).toBe(false);
  });

  it("keeps a copy in the tab from the first change to the acknowledgement", async () => {
    bench.autosave.change(ONE);
    expect(bench.copy).toMatchObject({ version: 0, clientId: "me", labels: ONE, base: START });
    bench.pass(DELAY_MS);
    expect(bench.copy).not.toBeNull();
    await bench.accept();
    expect(bench.copy).toBeNull();
  });

  it("has one request in flight and sends what came meanwhile afterwards, on the new version", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    bench.autosave.change(TWO);
    bench.pass(DELAY_MS);
    expect(bench.sent).toHaveLength(1);
    await bench.accept();
    expect(bench.autosave.isUnsafe).toBe(true);
    bench.pass(DELAY_MS);
    expect(bench.sent).toHaveLength(2);
    expect(bench.lastBody).toMatchObject({ version: 1, values: TWO.values });
  });

  it("sends nothing when a change is undone before it was sent", () => {
    bench.autosave.change(ONE);
    bench.autosave.change(START);
    bench.pass(10 * DELAY_MS);
    expect(bench.sent).toHaveLength(0);
    expect(bench.kind).toBe("saved");
    expect(bench.copy).toBeNull();
  });

  it("sends the old labels again when a change is undone while it was in flight", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    bench.autosave.change(START);
    expect(bench.copy).not.toBeNull();
    await bench.accept();
    bench.pass(DELAY_MS);
    expect(bench.lastBody).toMatchObject({ version: 1, values: START.values });
  });

  it("hands over seconds and presses once", async () => {
    bench.seconds = 7;
    bench.presses = 4;
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    bench.seconds += 2;
    expect(bench.lastBody).toMatchObject({ active_seconds_delta: 7, key_presses_delta: 4 });
    await bench.accept();
    expect(bench.seconds).toBe(2);
  });

  it("says which run filled the screen in", () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    expect(bench.lastBody).toMatchObject({ client_id: "me", prefill_run: null, round: 2 });
  });
});

describe("a server that cannot be reached", () => {
  it("is tried again, ever more slowly, and says so", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    const waits: number[] = [];
    for (let tried = 0; tried < 6; tried += 1) {
      await bench.answer(UNREACHABLE);
      const { status } = bench.autosave;
      if (status.kind !== "retrying") throw new Error(status.kind);
      waits.push(status.atMs - bench.nowMs);
      expect(bench.copy?.labels).toEqual(ONE);
      bench.pass(status.atMs - bench.nowMs);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 15000, 15000]);
    await bench.accept();
    expect(bench.kind).toBe("saved");
  });

  it("gets the newest labels when it is back", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    await bench.answer(UNREACHABLE);
    bench.autosave.change(TWO);
    expect(bench.sent).toHaveLength(1);
    bench.autosave.retryNow();
    expect(bench.lastBody.values).toBe(TWO.values);
  });

  it("says when the reason is that the session ended", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    await bench.answer({ kind: "signed-out" });
    expect(bench.autosave.status).toMatchObject({ kind: "retrying", signedOut: true });
  });
});

describe("a stale write", () => {
  async function stale(theirs: Draft | null): Promise<void> {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    await bench.answer({ kind: "stale", theirs });
  }

  it("stops saving and shows both versions", async () => {
    await stale(draft(TWO, 4, "other"));
    expect(bench.kind).toBe("conflict");
    expect(bench.conflicts[0]).toMatchObject({ mine: ONE, base: START });
    expect(bench.conflicts[0]?.theirs.version).toBe(4);
    bench.autosave.flush();
    bench.pass(60_000);
    expect(bench.sent).toHaveLength(1);
    expect(bench.copy?.labels).toEqual(ONE);
    expect(bench.autosave.isUnsafe).toBe(true);
  });

  it("is saved on top of theirs once resolved", async () => {
    await stale(draft(TWO, 4, "other"));
    bench.autosave.resolve(ONE);
    expect(bench.lastBody).toMatchObject({ version: 4, values: ONE.values });
    await bench.accept();
    expect(bench.kind).toBe("saved");
  });

  it("needs no request when theirs is chosen", async () => {
    await stale(draft(TWO, 4, "other"));
    bench.autosave.resolve(TWO);
    expect(bench.sent).toHaveLength(1);
    expect(bench.kind).toBe("saved");
    expect(bench.copy).toBeNull();
  });

  it("still knows what was changed while it waited for a choice", async () => {
    await stale(draft(TWO, 4, "other"));
    const later = labels({ "liver|focal": "+", "spleen|normal": "+" });
    bench.autosave.change(later);
    expect(bench.autosave.openConflict?.mine).toEqual(later);
  });

  it("is no conflict when both say the same", async () => {
    await stale(draft(ONE, 4, "other"));
    expect(bench.kind).toBe("saved");
    expect(bench.conflicts).toHaveLength(0);
  });

  it("is no conflict when the other window changed nothing", async () => {
    await stale(draft(START, 1, "other"));
    expect(bench.conflicts).toHaveLength(0);
    bench.pass(DELAY_MS);
    expect(bench.lastBody).toMatchObject({ version: 1, values: ONE.values });
  });

  it("shows theirs when nothing of ours was waiting, but asks before a submission", async () => {
    bench.seconds = 4;
    bench.autosave.flush({ evenIfSaved: true });
    await bench.answer({ kind: "stale", theirs: draft(TWO, 1, "other") });
    expect(bench.shown).toEqual([TWO]);
    expect(bench.kind).toBe("saved");
    await bench.autosave.pause();
    bench.autosave.meetTheirs(draft(ONE, 2, "other"));
    expect(bench.kind).toBe("conflict");
  });

  it("is no conflict when it is our own write whose answer was lost; its seconds are not counted twice", async () => {
    bench.seconds = 5;
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    await bench.answer(UNREACHABLE);
    bench.autosave.change(TWO);
    bench.seconds += 3;
    bench.autosave.retryNow();
    await bench.answer({ kind: "stale", theirs: draft(ONE, 1, "me") });
    expect(bench.conflicts).toHaveLength(0);
    expect(bench.seconds).toBe(3);
    bench.pass(DELAY_MS);
    expect(bench.lastBody).toMatchObject({ version: 1, values: TWO.values, active_seconds_delta: 3 });
  });
});

describe("a refusal", () => {
  it("is shown, not repeated, and loses nothing", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    await bench.answer({ kind: "refused", status: 400, code: "invalid", message: "values: no" });
    expect(bench.autosave.status).toEqual({ kind: "refused", message: "values: no" });
    bench.pass(60_000);
    expect(bench.sent).toHaveLength(1);
    expect(bench.copy?.labels).toEqual(ONE);
    bench.autosave.retryNow();
    expect(bench.sent).toHaveLength(2);
  });
});

describe("leaving", () => {
  it("sends what is not saved, to be finished without the page", () => {
    bench.autosave.change(ONE);
    bench.autosave.flushOnLeave();
    expect(bench.sent).toMatchObject([{ keepalive: true, body: { version: 0, values: ONE.values } }]);
    expect(bench.copy).not.toBeNull();
  });

  it("builds on the request that is still in flight", () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    bench.autosave.change(TWO);
    bench.autosave.flushOnLeave();
    expect(bench.lastBody).toMatchObject({ version: 1, values: TWO.values });
  });

  it("sends nothing when nothing is new, and seconds when only they are", () => {
    bench.autosave.flushOnLeave();
    expect(bench.sent).toHaveLength(0);
    bench.seconds = 9;
    bench.autosave.flushOnLeave();
    expect(bench.lastBody.active_seconds_delta).toBe(9);
  });
});

describe("submitting", () => {
  it("waits for the request in flight and then sends nothing of its own", async () => {
    bench.autosave.change(ONE);
    bench.pass(DELAY_MS);
    let isSettled = false;
    const paused = bench.autosave.pause().then(() => {
      isSettled = true;
    });
    bench.autosave.change(TWO);
    expect(isSettled).toBe(false);
    await bench.accept();
    await paused;
    bench.pass(60_000);
    expect(bench.sent).toHaveLength(1);
    expect(bench.autosave.requestBody(TWO, { seconds: 0, presses: 0 }).version).toBe(1);
  });

  it("saves again when it did not work out, and never after it did", async () => {
    await bench.autosave.pause();
    bench.autosave.change(ONE);
    bench.autosave.resume();
    bench.pass(DELAY_MS);
    expect(bench.sent).toHaveLength(1);
    await bench.accept();
    await bench.autosave.pause();
    bench.autosave.finish();
    bench.autosave.resume();
    bench.autosave.change(TWO);
    bench.autosave.flushOnLeave();
    bench.pass(60_000);
    expect(bench.sent).toHaveLength(1);
    expect(bench.copy).toBeNull();
  });
});
