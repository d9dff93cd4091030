/** What was read today: how many cases, how long each took. */

import { openDialog } from "../../lib/dialog";
import type { Dialog } from "../../lib/dialog";
import { el } from "../../lib/dom";
import { clockTimeText, durationText, numberText } from "../../lib/locale";
import type { Sitting } from "../api";

function figure(name: string, value: string): HTMLElement {
  return el("div", {}, [el("dt", { text: name }), el("dd", { text: value })]);
}

/** `openSeconds` is the active time with the case that is still on the screen. */
export function summaryView(sitting: Sitting, openSeconds: number): HTMLElement[] {
  const mean = sitting.n_cases > 0 ? sitting.total_seconds / sitting.n_cases : null;
  const figures = [
    figure("cases read today", numberText(sitting.n_cases)),
    figure("active time", durationText(sitting.total_seconds + openSeconds)),
    figure("median per case", sitting.median_seconds === null ? "–" : durationText(sitting.median_seconds)),
    figure("mean per case", mean === null ? "–" : durationText(mean)),
    figure("skipped", numberText(sitting.n_skipped)),
  ];
  const rows = sitting.cases.map((read) =>
    el("tr", {}, [
      el("th", { text: read.key, attrs: { scope: "row" } }),
      el("td", { class: "num", text: durationText(read.seconds) }),
      el("td", { class: "num" }, [
        el("time", { text: clockTimeText(new Date(read.submitted_at)), attrs: { datetime: read.submitted_at } }),
      ]),
    ]),
  );
  const head = ["Case", "Active time", "Submitted"].map((text) => el("th", { text, attrs: { scope: "col" } }));
  return [
    el("dl", { class: "figures" }, figures),
    rows.length === 0
      ? el("p", { class: "dim", text: "Nothing has been submitted since midnight." })
      : el("div", { class: "dialog-scroll", attrs: { tabindex: 0, role: "region", "aria-label": "Cases read today" } }, [
          el("table", { class: "table" }, [el("thead", {}, [el("tr", {}, head)]), el("tbody", {}, rows)]),
        ]),
  ];
}

/** A dialog with a place for the summary, which comes a moment later. */
export function openSummaryDialog(onClose: () => void): { readonly dialog: Dialog; readonly place: HTMLElement } {
  const place = el("div", { class: "summary", attrs: { "aria-live": "polite" } }, [el("p", { class: "dim", text: "loading …" })]);
  const dialog = openDialog({ title: "Today", class: "dialog-summary", onClose, children: [place] });
  return { dialog, place };
}
