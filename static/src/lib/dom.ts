/** Small helpers to build and find elements. Text always goes in as text, never as markup. */

export type Child = Node | string | null | undefined | false;

export interface Props {
  class?: string;
  text?: string;
  title?: string;
  /** Any attribute; null leaves it out. */
  attrs?: Readonly<Record<string, string | number | null>>;
  data?: Readonly<Record<string, string>>;
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class) element.className = props.class;
  if (props.text !== undefined) element.textContent = props.text;
  if (props.title) element.title = props.title;
  for (const [name, value] of Object.entries(props.attrs ?? {})) {
    if (value !== null) element.setAttribute(name, String(value));
  }
  for (const [name, value] of Object.entries(props.data ?? {})) element.dataset[name] = value;
  append(element, children);
  return element;
}

export function append(parent: Element, children: readonly Child[]): void {
  for (const child of children) if (child) parent.append(child);
}

export function replaceChildren(parent: Element, children: readonly Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

/** The element with this id, which the template promises to contain. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/** What the server embedded as `<script type="application/json" id=...>`. The caller names its type. */
export function embeddedJson<T>(id: string): T {
  return JSON.parse(byId(id).textContent ?? "null") as T;
}

/** Sets an attribute when `value` is a string, removes it when null; touches the page only on change. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element: Element, name: string): void {
  if (element.getAttribute("class") !== name) element.setAttribute("class", name);
}

export function kbd(key: string): HTMLElement {
  return el("kbd", { text: key });
}

const BUTTON_KEYS = new Set(["Enter", "Space"]);
const MENU_KEYS = new Set([...BUTTON_KEYS, "ArrowUp", "ArrowDown", "Home", "End"]);
const SLIDER_KEYS = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);

/** Whether the button, link, menu or slider that has the keyboard needs this chord for itself. */
export function needsKey(target: EventTarget | null, chord: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target instanceof HTMLInputElement && target.type === "range") return SLIDER_KEYS.has(chord);
  if (target.closest("summary, .menu") !== null) return MENU_KEYS.has(chord);
  return target.closest("button, a[href], label") !== null && BUTTON_KEYS.has(chord);
}

/** Whether typing belongs to this element rather than to the page's keys. */
export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit", "file", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
