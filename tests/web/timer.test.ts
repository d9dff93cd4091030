import { describe, expect, it } from "vitest";
import { ActiveTimer, clockText } from "../../static/src/read/timer";

describe("active seconds", () => {
  it("count while somebody looks and works", () => {
    const timer = new ActiveTimer(1000);
    timer.advance(11_000);
    expect(timer.seconds).toBe(10);
  });

  it("stop a minute after the last input and go on with the next", () => {
    const timer = new ActiveTimer(0);
    timer.advance(300_000);
    expect(timer.seconds).toBe(60);
    timer.input(400_000);
    timer.advance(410_000);
    expect(timer.seconds).toBe(70);
  });

  it("do not count while the page is hidden or another window has the focus", () => {
    const timer = new ActiveTimer(0);
    timer.setWatching(false, 5_000);
    timer.setWatching(true, 50_000);
    timer.advance(52_000);
    expect(timer.seconds).toBe(7);
  });

  it("are handed over once", () => {
    const timer = new ActiveTimer(0);
    timer.advance(5_700);
    timer.press();
    timer.press();
    expect(timer.pending).toEqual({ seconds: 5, presses: 2 });
    timer.confirm({ seconds: 5, presses: 2 });
    expect(timer.pending).toEqual({ seconds: 0, presses: 0 });
    timer.advance(6_400);
    timer.press();
    expect(timer.pending).toEqual({ seconds: 1, presses: 1 });
    expect(timer.seconds).toBe(6);
  });

  it("never go back with the clock", () => {
    const timer = new ActiveTimer(10_000);
    timer.advance(12_000);
    timer.advance(11_000);
    timer.advance(13_000);
    expect(timer.seconds).toBe(3);
  });

  it("are written as minutes and seconds", () => {
    expect([0, 134, 3600].map(clockText)).toEqual(["00:00", "02:14", "60:00"]);
  });
});
