/** Times and numbers as the person at this browser writes them. */

const language = (): string => navigator.language || "en";

/** A number with exactly this many decimals. */
export function numberText(value: number, decimals = 0): string {
  const format = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat(language(), format).format(value);
}

export function timeText(moment: Date): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(moment);
}

export function clockTimeText(moment: Date): string {
  return new Intl.DateTimeFormat(language(), { timeStyle: "short" }).format(moment);
}

/** `1 h 05 min`, `12 min 30 s`, `45 s`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${numberText(hours)} h ${String(minutes).padStart(2, "0")} min`;
  return minutes > 0 ? `${minutes} min ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}

/** Rewrites what the server wrote in UTC. The exact moment stays in `datetime`. */
export function localiseTimes(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) element.textContent = timeText(moment);
  }
}
