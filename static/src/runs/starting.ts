/**
 * Help for the form that starts a run: shows at once what the chosen labeler needs, asks the engine for its models,
 * says that a trial is going on, and lets nobody send twice.
 */

const SECOND_MS = 1000;

export function enhance(form: HTMLFormElement): void {
  showNeeds(form);
  followChoices(form);
  watchModels(form);
  guardSending(form);
}

/** Shows the parts that belong to the chosen labeler; what is hidden is not sent. */
export function showNeeds(form: HTMLFormElement): void {
  const chosen = form.querySelector<HTMLInputElement>("input[name=labeler]:checked");
  const asksModel = chosen?.dataset["asksModel"] === "yes";
  for (const part of form.querySelectorAll<HTMLElement>("fieldset[data-asks-model], span[data-asks-model]")) {
    show(part, asksModel);
  }
  for (const part of form.querySelectorAll<HTMLElement>("[data-rules-only]")) show(part, !asksModel);
  for (const part of form.querySelectorAll<HTMLElement>("[data-switches]")) {
    const isChosen = part.dataset["switches"] === chosen?.value;
    show(part, isChosen);
    if (isChosen) part.id = "switches";
    else part.removeAttribute("id");
  }
}

function show(part: HTMLElement, isShown: boolean): void {
  part.hidden = !isShown;
  if (part instanceof HTMLFieldSetElement) part.disabled = !isShown;
}

/** What is typed for "the first" or "these cases" chooses that; and a trial is of the form as it was then. */
function followChoices(form: HTMLFormElement): void {
  const stale = document.querySelector<HTMLElement>("[data-trial-stale]");
  form.addEventListener("input", (event) => {
    const name = event.target instanceof Element ? event.target.getAttribute("name") : null;
    const scope = name === "n_first" ? "first" : name === "keys" ? "listed" : null;
    const radio = scope ? form.querySelector<HTMLInputElement>(`input[name=scope][value=${scope}]`) : null;
    if (radio) radio.checked = true;
    if (name === "labeler") showNeeds(form);
    if (stale) stale.hidden = false;
  });
}

/** Asks for the models of the engine when the page opens, when another engine is chosen, and when the button is used. */
function watchModels(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>("button[value=models]");
  const engine = form.querySelector<HTMLSelectElement>("select[name=url]");
  if (!button || !engine) return;
  const ask = (): void => void askModels(form, button);
  button.addEventListener("click", (event) => {
    event.preventDefault();
    ask();
  });
  engine.addEventListener("change", ask);
  if (!form.querySelector("#models option")) ask();
}

let lastAsked = 0;

/** Fetches the page with the models in it, and takes over that part of it. A later answer wins over an earlier one. */
export async function askModels(form: HTMLFormElement, button: HTMLButtonElement): Promise<void> {
  const asked = (lastAsked += 1);
  const body = new FormData(form);
  const engine = form.querySelector<HTMLSelectElement>("select[name=url]");
  body.set("url", engine?.value ?? ""); // not among the data while the part is hidden
  body.set("action", "models");
  button.disabled = true;
  let html = "";
  try {
    const answer = await fetch(window.location.pathname, { method: "POST", body, redirect: "error" });
    if (answer.ok) html = await answer.text();
  } catch {
    // The server cannot be reached: the field takes a name that is typed.
  }
  if (asked !== lastAsked) return;
  button.disabled = false;
  takeModels(form, html);
}

function takeModels(form: HTMLFormElement, html: string): void {
  const page = new DOMParser().parseFromString(html, "text/html");
  const here = form.querySelector("[data-models]");
  const there = page.querySelector("[data-models]");
  if (!here || !there) return;
  here.replaceChildren(...there.children);
  const model = form.querySelector<HTMLInputElement>("input[name=model]");
  const only = page.querySelector<HTMLInputElement>("input[name=model]")?.value;
  if (model && only && !model.value) model.value = only;
}

/** Lets the form be sent once, and says what is going on. Coming back to the page, it can be sent again. */
function guardSending(form: HTMLFormElement): void {
  const note = form.querySelector<HTMLElement>("[data-busy-note]");
  const buttons = (): HTMLButtonElement[] =>
    [...document.querySelectorAll<HTMLButtonElement>("button[type=submit]")].filter((each) => each.form === form);
  const before = note ? [...note.childNodes] : [];
  let isSent = false;
  let timer = 0;
  form.addEventListener("submit", (event) => {
    if (isSent) {
      event.preventDefault();
      return;
    }
    isSent = true;
    const what = workOf(form, event.submitter?.getAttribute("value") ?? "");
    const begun = Date.now();
    const say = (): void => {
      if (note) note.textContent = `${what} … ${Math.round((Date.now() - begun) / 1000)} s`;
    };
    // A button that is disabled while the form is put together is not sent with it.
    window.setTimeout(() => {
      for (const button of buttons()) button.setAttribute("aria-disabled", "true");
      say();
    });
    timer = window.setInterval(say, SECOND_MS);
  });
  window.addEventListener("pageshow", () => {
    isSent = false;
    window.clearInterval(timer);
    for (const button of buttons()) button.removeAttribute("aria-disabled");
    note?.replaceChildren(...before);
  });
}

/** What the server does when this button is pressed. */
function workOf(form: HTMLFormElement, action: string): string {
  if (action === "try") return "Labeling three reports";
  const asksModel = form.querySelector("input[name=labeler][data-asks-model=yes]:checked") !== null;
  return asksModel ? "Asking the engine what it is" : "Labeling the reports";
}
