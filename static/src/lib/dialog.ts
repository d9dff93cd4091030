import { el } from "./dom";
import type { Child } from "./dom";

export interface Dialog {
  readonly element: HTMLDialogElement;
  readonly isOpen: boolean;
  close(): void;
}

/** A modal dialog that takes itself away when closed. Esc closes it; keys inside go to `onKey` first. */
export function openDialog(options: {
  title: string;
  class?: string;
  children: readonly Child[];
  onKey?: (event: KeyboardEvent) => void;
  onClose?: () => void;
}): Dialog {
  const heading = el("h2", { text: options.title, attrs: { id: "dialog-title" } });
  const close = el("button", { class: "button button-quiet", text: "Close", attrs: { type: "button" } });
  const element = el("dialog", { class: `dialog ${options.class ?? ""}`.trim(), attrs: { "aria-labelledby": "dialog-title" } }, [
    el("header", { class: "dialog-head" }, [heading, close]),
    ...options.children,
  ]);
  close.addEventListener("click", () => element.close());
  element.addEventListener("keydown", (event) => {
    options.onKey?.(event);
    event.stopPropagation();
  });
  element.addEventListener("close", () => {
    element.remove();
    options.onClose?.();
  });
  document.body.append(element);
  element.showModal();
  return {
    element,
    get isOpen() {
      return element.open;
    },
    close: () => element.close(),
  };
}
