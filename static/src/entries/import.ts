/**
 * Drag and drop and a progress bar for `form[data-upload]`, which works as a plain form without this script.
 *
 * The form holds one file input inside `.drop`, and optionally `progress` and `[data-upload-note]`.
 */

import { csrfToken } from "../lib/cookies";

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-upload]")) enhance(form);

function enhance(form: HTMLFormElement): void {
  const input = form.querySelector<HTMLInputElement>("input[type=file]");
  const drop = form.querySelector<HTMLElement>(".drop");
  const progress = form.querySelector("progress");
  const note = form.querySelector<HTMLElement>("[data-upload-note]");
  if (!input || !drop) return;

  const say = (text: string): void => {
    if (note) note.textContent = text;
  };
  const showChoice = (): void => {
    const file = input.files?.[0];
    if (file) say(`${file.name}, ${(file.size / 1024 / 1024).toFixed(1)} MiB`);
  };
  input.addEventListener("change", showChoice);
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
    if (event.dataTransfer?.files.length) input.files = event.dataTransfer.files;
    showChoice();
  });

  form.addEventListener("submit", (event) => {
    if (!input.files?.length || !progress) return;
    event.preventDefault();
    send(form, progress, say);
  });
}

function send(form: HTMLFormElement, progress: HTMLProgressElement, say: (text: string) => void): void {
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.upload.addEventListener("progress", (event) => {
    progress.hidden = false;
    progress.max = event.total;
    progress.value = event.loaded;
    say(event.loaded < event.total ? `${Math.floor((100 * event.loaded) / event.total)} % sent` : "Reading the file …");
  });
  request.addEventListener("error", () => say("The file could not be sent: the server cannot be reached. Try again."));
  request.addEventListener("load", () => {
    // A good upload answers with a redirect, which the request has followed; anything else is this page with its errors.
    if (request.status < 300 && request.responseURL !== form.action) window.location.assign(request.responseURL);
    else showAnswer(request.responseText);
  });
  request.send(new FormData(form));
}

/** Shows what the server said in place of this page's content, so that the file is not sent a second time. */
function showAnswer(html: string): void {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const part of [".messages", "main"]) {
    const here = document.querySelector(part);
    const there = page.querySelector(part);
    if (here && there) here.replaceWith(there);
    else if (there) document.querySelector("main")?.before(there);
  }
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-upload]")) enhance(form);
}
