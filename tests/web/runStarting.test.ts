import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askModels, enhance, showNeeds } from "../../static/src/runs/starting";

function page(chosen = "maplez"): HTMLFormElement {
  const radio = (name: string, asks: string): string =>
    `<input type="radio" name="labeler" value="${name}" data-asks-model="${asks}" ${name === chosen ? "checked" : ""}>`;
  document.body.innerHTML = `
    <form id="run-form" method="post">
      ${radio("rules", "no")}${radio("leavs", "yes")}${radio("maplez", "yes")}
      <fieldset data-asks-model>
        <select name="url"><option>http://a/v1</option><option>http://b/v1</option></select>
        <input name="model" value="">
        <button type="submit" name="action" value="models">Ask the engine</button>
        <div data-models><datalist id="models"></datalist><p>Not asked yet</p></div>
      </fieldset>
      <fieldset data-switches="leavs" hidden disabled><input name="shown" value="leavs"></fieldset>
      <fieldset data-switches="maplez" id="switches"><input name="shown" value="maplez"></fieldset>
      <fieldset data-asks-model>
        <input type="radio" name="scope" value="all" checked><input type="radio" name="scope" value="first">
        <input type="radio" name="scope" value="listed"><input name="n_first"><textarea name="keys"></textarea>
      </fieldset>
      <span data-rules-only hidden></span>
      <button type="submit" name="action" value="try">Try on three reports</button>
      <button type="submit" name="action" value="start">Start the run</button>
      <p data-busy-note>Stores nothing.</p>
    </form>
    <p data-trial-stale hidden></p>
    <button id="below" type="submit" form="run-form" name="action" value="start">Start the run</button>`;
  return document.querySelector<HTMLFormElement>("form") as HTMLFormElement;
}

const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector) as T;

function choose(name: string): void {
  const radio = find<HTMLInputElement>(`input[value=${name}]`);
  radio.checked = true;
  radio.dispatchEvent(new Event("input", { bubbles: true }));
}

const answer = (names: readonly string[], model = ""): { ok: boolean; text: () => Promise<string> } => ({
  ok: true,
  text: async () => `<form><input name="model" value="${model}"><div data-models>
    <datalist id="models">${names.map((name) => `<option value="${name}"></option>`).join("")}</datalist>
    <p>It serves ${names.join()}</p></div></form>`,
});

describe("choosing a labeler", () => {
  it("shows its switches alone, and sends no others", () => {
    const form = page();
    vi.stubGlobal("fetch", vi.fn(async () => answer([])));
    enhance(form);
    choose("leavs");
    expect(find<HTMLFieldSetElement>("[data-switches=leavs]").hidden).toBe(false);
    expect(find<HTMLFieldSetElement>("[data-switches=maplez]").disabled).toBe(true);
    expect(find("#switches").getAttribute("data-switches")).toBe("leavs");
  });

  it("leaves out engine and cases for the rules", () => {
    const form = page("rules");
    showNeeds(form);
    for (const part of form.querySelectorAll<HTMLFieldSetElement>("fieldset")) {
      expect([part.hidden, part.disabled]).toEqual([true, true]);
    }
    expect(find<HTMLElement>("[data-rules-only]").hidden).toBe(false);
  });
});

describe("cases", () => {
  it("are chosen by typing how many, or which", () => {
    const form = page();
    vi.stubGlobal("fetch", vi.fn(async () => answer([])));
    enhance(form);
    find("[name=keys]").dispatchEvent(new Event("input", { bubbles: true }));
    expect(find<HTMLInputElement>("[value=listed]").checked).toBe(true);
    find("[name=n_first]").dispatchEvent(new Event("input", { bubbles: true }));
    expect(find<HTMLInputElement>("[value=first]").checked).toBe(true);
  });

  it("that were changed after a trial are said to be others", () => {
    enhance(page());
    expect(find<HTMLElement>("[data-trial-stale]").hidden).toBe(true);
    find("[name=keys]").dispatchEvent(new Event("input", { bubbles: true }));
    expect(find<HTMLElement>("[data-trial-stale]").hidden).toBe(false);
  });
});

describe("models", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("are asked for when the page opens, and a single one is filled in", async () => {
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => answer(["tiny"], "tiny"));
    vi.stubGlobal("fetch", fetched);
    enhance(page());
    await vi.waitFor(() => expect(find<HTMLInputElement>("[name=model]").value).toBe("tiny"));
    expect(document.querySelectorAll("#models option").length).toBe(1);
    const body = fetched.mock.calls[0]?.[1].body as FormData;
    expect([body.get("action"), body.get("url")]).toEqual(["models", "http://a/v1"]);
  });

  it("that were typed stay", async () => {
    vi.stubGlobal("fetch", vi.fn(async () => answer(["tiny"], "tiny")));
    const form = page();
    find<HTMLInputElement>("[name=model]").value = "mine";
    await askModels(form, find<HTMLButtonElement>("[value=models]"));
    expect(find<HTMLInputElement>("[name=model]").value).toBe("mine");
    expect(find("[data-models] p").textContent).toBe("It serves tiny");
  });

  it("of an engine that was chosen meanwhile win over those of the one before", async () => {
    const waiting: ((value: unknown) => void)[] = [];
    vi.stubGlobal("fetch", vi.fn(() => new Promise((resolve) => waiting.push(resolve))));
    const form = page();
    const button = find<HTMLButtonElement>("[value=models]");
    const both = [askModels(form, button), askModels(form, button)];
    waiting[1]?.(answer(["second"]));
    waiting[0]?.(answer(["first"]));
    await Promise.all(both);
    expect(find("[data-models] p").textContent).toBe("It serves second");
  });

  it("can be typed when the server does not answer", async () => {
    vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("no network"))));
    const form = page();
    const button = find<HTMLButtonElement>("[value=models]");
    await askModels(form, button);
    expect(button.disabled).toBe(false);
    expect(find("[data-models] p").textContent).toBe("Not asked yet");
  });
});

describe("sending", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", vi.fn(async () => answer([])));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const send = (form: HTMLFormElement, button: HTMLElement): boolean => {
    const event = new SubmitEvent("submit", { cancelable: true, submitter: button });
    form.dispatchEvent(event);
    return !event.defaultPrevented;
  };

  it("happens once, whichever button is pressed again", async () => {
    const form = page();
    enhance(form);
    expect(send(form, find("[value=start]"))).toBe(true);
    expect(send(form, find("#below"))).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(find("[value=start]").getAttribute("aria-disabled")).toBe("true");
    expect(find<HTMLButtonElement>("[value=start]").disabled).toBe(false);
  });

  it("of a trial says for how long it has been going on", async () => {
    const form = page();
    enhance(form);
    send(form, find("[value=try]"));
    await vi.advanceTimersByTimeAsync(12_000);
    expect(find("[data-busy-note]").textContent).toBe("Labeling three reports … 12 s");
  });

  it("is possible again for who comes back to the page", async () => {
    const form = page();
    enhance(form);
    send(form, find("[value=start]"));
    await vi.advanceTimersByTimeAsync(1);
    window.dispatchEvent(new Event("pageshow"));
    expect(find("[value=start]").hasAttribute("aria-disabled")).toBe(false);
    expect(find("[data-busy-note]").textContent).toBe("Stores nothing.");
    expect(send(form, find("[value=start]"))).toBe(true);
  });
});
