/**
 * Uploads images in batches with a progress bar (`form[data-images]`, a plain form without this script), and shows how
 * far an import is (`[data-progress-url]`).
 */

import { csrfToken } from "../lib/cookies";
import { batches, droppedFiles, fromInput, type Chosen } from "../images/chosen";
import { watch } from "../images/progress";

const form = document.querySelector<HTMLFormElement>("form[data-images]");
if (form) enhance(form);
const running = document.querySelector<HTMLElement>("[data-progress-url]");
if (running) watch(running, () => window.location.reload());

function enhance(form: HTMLFormElement): void {
  const input = form.querySelector<HTMLInputElement>("input[name=images]");
  const folder = form.querySelector<HTMLInputElement>("input[webkitdirectory]");
  const drop = form.querySelector<HTMLElement>(".drop");
  const note = form.querySelector<HTMLElement>("[data-upload-note]");
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  const bar = form.querySelector("progress");
  const token = form.querySelector<HTMLInputElement>("input[name=token]");
  if (!input || !folder || !drop || !note || !button || !bar || !token) return;
  folder.parentElement?.removeAttribute("hidden");
  let chosen: readonly Chosen[] = [];

  const choose = (files: readonly Chosen[]): void => {
    chosen = files;
    const mib = files.reduce((sum, { file }) => sum + file.size, 0) / 1024 / 1024;
    note.textContent = `${files.length.toLocaleString()} files, ${mib.toLocaleString(undefined, { maximumFractionDigits: 1 })} MiB`;
  };
  input.addEventListener("change", () => choose(fromInput(input)));
  folder.addEventListener("change", () => choose(fromInput(folder)));
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(choose);
  });
  form.addEventListener("submit", (event) => {
    if (!chosen.length) return;
    event.preventDefault();
    const limit = Number(form.dataset["maxBytes"]);
    const nBytes = chosen.reduce((sum, { file }) => sum + file.size, 0);
    if (nBytes > limit) {
      note.textContent = `At most ${limit.toLocaleString()} bytes can be sent at once; divide them.`;
      return;
    }
    button.disabled = true;
    bar.hidden = false;
    bar.max = Math.max(1, nBytes);
    void sendAll(form, chosen, (sent) => {
      bar.value = sent;
      note.textContent = `${Math.floor((100 * sent) / Math.max(1, nBytes))} % sent`;
    })
      .then((sentToken) => {
        token.value = sentToken;
        input.value = "";
        form.submit();
      })
      .catch((error: unknown) => {
        button.disabled = false;
        bar.hidden = true;
        note.textContent = error instanceof Error ? error.message : String(error);
      });
  });
}

/** Sends the files, a batch at a time; resolves with the token under which the server keeps them. */
async function sendAll(
  form: HTMLFormElement,
  chosen: readonly Chosen[],
  tell: (nBytes: number) => void,
): Promise<string> {
  let token = "";
  let done = 0;
  for (const batch of batches(chosen)) {
    const body = new FormData();
    body.set("token", token);
    body.set("paths", JSON.stringify(batch.map(({ path }) => path)));
    for (const { file } of batch) body.append("files", file, file.name);
    token = await send(form.dataset["uploadUrl"] ?? "", body, (sent) => tell(done + sent));
    done += batch.reduce((sum, { file }) => sum + file.size, 0);
    tell(done);
  }
  return token;
}

function send(url: string, body: FormData, tell: (nBytes: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.upload.addEventListener("progress", (event) => tell(event.loaded));
    request.addEventListener("error", () => {
      reject(new Error("The files could not be sent: the server cannot be reached. Try again."));
    });
    request.addEventListener("load", () => {
      const answer = request.response as { token?: string; error?: { message: string } } | null;
      if (request.status === 200 && answer?.token) resolve(answer.token);
      else reject(new Error(answer?.error?.message ?? `The server answered ${request.status}.`));
    });
    request.send(body);
  });
}
