import { el } from "./dom";

export type Tone = "calm" | "good" | "warn";

const SHOWN_MS = 4500;
const MOST = 3;

/** Messages that come and go. The container is a live region in the template, so they are also spoken. */
export function toast(text: string, options: { tone?: Tone; link?: { href: string; text: string } } = {}): void {
  const region = document.getElementById("toasts");
  if (!region) return;
  const { tone = "calm", link } = options;
  const message = el("div", { class: `toast toast-${tone}` }, [
    el("span", { text }),
    link && el("a", { text: link.text, attrs: { href: link.href } }),
  ]);
  region.append(message);
  while (region.childElementCount > MOST) region.firstElementChild?.remove();
  window.setTimeout(() => message.remove(), SHOWN_MS);
}
