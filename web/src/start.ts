/** Where a sound is given: a drop zone, a file, the microphone, or an example. */

import examples from "../examples/examples.json";
import { element, icon } from "./dom";

/** What a person can ask of the page. */
export interface Wishes {
  /** The first touch of the page: what is needed later may be loaded. */
  prepare(): void;
  file(file: File): void;
  example(genre: string, name: string): void;
  listen(): void;
  model(name: string): void;
}

const NOTE =
  "M9 18V6l11-2v12M9 18a3 2.5 0 1 1-6 0 3 2.5 0 0 1 6 0zM20 16a3 2.5 0 1 1-6 0 3 2.5 0 0 1 6 0z";
const MICROPHONE =
  "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3";
const STOP = "M7 7h10v10H7z";
const PLAY = "M8 5v14l11-7z";

/** The button of the microphone, with a line that shows how loud it is. */
export class ListenButton {
  readonly button = element("button", { id: "listen", type: "button" });
  private readonly level = element("span", { class: "try-level", "aria-hidden": "true" });

  constructor(wishes: Wishes) {
    this.button.addEventListener("click", () => wishes.listen());
    this.set(false);
  }

  /** Show whether the microphone is open. */
  set(open: boolean): void {
    this.button.classList.toggle("try-open", open);
    this.button.setAttribute("aria-pressed", String(open));
    this.button.replaceChildren(
      icon(open ? STOP : MICROPHONE),
      open ? "Stop" : "Microphone",
      ...(open ? [this.level] : []),
    );
  }

  /** Show how loud it is, from 0 to 1. */
  loudness(peak: number): void {
    // From −60 dB to full scale.
    const share = Math.max(0, 1 + Math.log10(Math.max(peak, 1e-6)) / 3);
    this.level.style.setProperty("--try-share", share.toFixed(3));
  }
}

/** Make the section. */
export function startSection(wishes: Wishes, listen: ListenButton): HTMLElement {
  return element(
    "section",
    { class: "try-start", "aria-label": "Sound" },
    element("p", { class: "try-lead" }, "Drop a song here"),
    element("p", { class: "try-lead try-touch" }, "Which genre is it?"),
    element("div", { class: "try-buttons" }, fileButton(wishes), listen.button),
    element(
      "div",
      { class: "try-examples" },
      element("p", { id: "try-examples" }, "Or play an example"),
      element(
        "div",
        { role: "group", "aria-labelledby": "try-examples" },
        ...examples.map((example) => exampleButton(wishes, example)),
      ),
    ),
    element(
      "p",
      { class: "try-small" },
      "The examples were composed by a program; the models learned from recordings, and may call " +
        "them something else.",
    ),
  );
}

function fileButton(wishes: Wishes): HTMLElement {
  const input = element("input", {
    type: "file",
    accept: "audio/*,.wav,.mp3,.ogg,.oga,.opus,.flac,.m4a,.aac,.mp4,.webm",
  });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    // So that the same file can be chosen again.
    input.value = "";
    if (file) {
      wishes.file(file);
    }
  });
  return element("label", { class: "try-choose" }, input, icon(NOTE), "Choose a file");
}

function exampleButton(wishes: Wishes, example: (typeof examples)[number]): HTMLElement {
  const { genre, title, artist } = example;
  const button = element(
    "button",
    { type: "button", class: "try-example", title: `“${title}”, ${artist}` },
    icon(PLAY),
    genre,
  );
  const name = `“${title}”, composed as ${genre}`;
  button.addEventListener("click", () => wishes.example(genre, name));
  return button;
}

/** Let files be dropped anywhere on an element. */
export function acceptDrops(zone: HTMLElement, wishes: Wishes): void {
  let depth = 0;
  const over = (change: number) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle("try-over", depth > 0);
  };
  zone.addEventListener("dragenter", () => over(1));
  zone.addEventListener("dragleave", () => over(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    const file = event.dataTransfer?.files[0];
    if (file) {
      wishes.file(file);
    }
  });
}
