/** How far a run is, in words. `annotator/core/estimates.py` and `run_pages.py` say the same in the page as it comes. */

import { numberText } from "../lib/locale";

const DAY_S = 86_400;

/** `less than a minute`, `about 12 min`, `about 2 h 05 min`, `about 3 days 4 h`: forecasts are no more exact. */
export function aboutText(seconds: number): string {
  if (seconds < 60) return "less than a minute";
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} min`;
  if (seconds < 2 * DAY_S) return `about ${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  const hours = Math.round(seconds / 3600);
  return `about ${numberText(Math.floor(hours / 24))} days ${hours % 24} h`;
}

/** Reports per second as `1,240 a minute`, `3.4 a minute`, `12.0 an hour`. */
export function rateText(perSecond: number): string {
  const perMinute = 60 * perSecond;
  if (perMinute >= 10) return `${numberText(perMinute)} a minute`;
  return perMinute >= 1 ? `${numberText(perMinute, 1)} a minute` : `${numberText(60 * perMinute, 1)} an hour`;
}

export interface Said {
  readonly nDone: number;
  readonly nReports: number;
  readonly nFailed: number;
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
}

export function noteText({ nDone, nReports, nFailed, perSecond, secondsLeft }: Said): string {
  const failed = nFailed > 0 ? `, ${numberText(nFailed)} of them failed` : "";
  const done = `${numberText(nDone)} of ${numberText(nReports)} reports are done${failed}.`;
  if (perSecond === null) return done;
  const left = secondsLeft === null ? "" : `, ${aboutText(secondsLeft)} left`;
  return `${done} ${rateText(perSecond)}${left}.`;
}
