/** What the page shows; it knows nothing of decoding and of models. */

import { Bars } from "./bars";
import type { Card } from "./cards";
import { SoundFigure } from "./charts";
import { modelChoice } from "./choices";
import { genreColor } from "./colors";
import { element, show } from "./dom";
import type { Heard } from "./live";
import { Player } from "./player";
import type { Answer, Mel, ModelInfo, WindowAnswer } from "./protocol";
import { acceptDrops, ListenButton, startSection, type Wishes } from "./start";
import { windowTable } from "./table";
import { clock, howSure, percent, ranked, shortSound, UNFAMILIAR, whatDecided } from "./words";

const LIVE = "live";

export class View {
  readonly player: Player;
  private readonly figure: SoundFigure;
  private readonly bars = new Bars();
  private readonly listen: ListenButton;
  private readonly answer = element("div", {
    id: "answer",
    "data-state": "idle",
    "aria-live": "polite",
    "aria-atomic": "true",
  });
  private readonly source = element("p", { class: "try-source" });
  private readonly progress = element("progress", { max: "1", "aria-label": "Progress" });
  private readonly reading = element("p", { class: "try-reading" });
  private readonly controls = element("div", { class: "try-controls" });
  private readonly caption = element("figcaption");
  private readonly table = element("details", { class: "try-table" });
  private readonly result = element("section", { class: "try-result", "aria-label": "Answer" });
  private readonly details = element("div", { class: "try-columns" });
  private readonly models: HTMLFieldSetElement;

  constructor(
    private readonly root: HTMLElement,
    wishes: Wishes,
  ) {
    this.figure = new SoundFigure({
      seek: (timeS) => {
        this.player.seek(timeS);
        this.read();
      },
      toggle: () => this.player.toggle(),
    });
    this.player = new Player((timeS) => {
      this.figure.move(timeS);
      this.read();
    });
    this.listen = new ListenButton(wishes);
    this.models = modelChoice(wishes);
    this.fillResult();
    root.replaceChildren(startSection(wishes, this.listen), this.result, this.models);
    acceptDrops(root, wishes);
    for (const event of ["pointerenter", "focusin", "dragenter"]) {
      root.addEventListener(event, () => wishes.prepare(), { once: true });
    }
  }

  private fillResult(): void {
    this.controls.append(this.player.button, this.reading);
    this.details.append(
      this.bars.list,
      element("figure", { class: "try-figure" }, this.figure.slider, this.controls, this.caption),
    );
    this.result.append(this.source, this.answer, this.progress, this.details, this.table);
    show(this.result, false);
    show(this.progress, false);
    show(this.player.button, false);
  }

  /** Show that a sound of this name is being read. */
  busy(name: string): void {
    this.state("busy");
    this.answer.setAttribute("aria-busy", "true");
    this.answer.replaceChildren(element("p", { class: "try-genre" }, "One moment …"));
    this.source.textContent = name;
    this.progress.removeAttribute("value");
    show(this.progress, true);
    show(this.details, false);
    show(this.table, false);
    show(this.result, true);
    this.root.classList.add("try-used");
    this.bring();
  }

  /** Scroll to the answer, unless it begins in the upper part of the window. */
  private bring(): void {
    const top = this.result.getBoundingClientRect().top / innerHeight;
    if (top < 0 || top > 0.35) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.result.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    }
  }

  /** Begin the figures of a sound; the duration of a live one is not known. */
  begin(name: string, info: ModelInfo, durationS: number | null, rate: number): void {
    const facts = [durationS === null ? LIVE : clock(durationS), `${rate / 1000} kHz`, info.name];
    this.source.textContent = [name, ...facts].join(" · ");
    this.figure.begin(info.genres, durationS);
    this.bars.begin(info.genres);
    this.caption.textContent = "";
    this.reading.textContent = "";
    show(this.controls, durationS !== null);
    show(this.details, true);
  }

  /** Show a window, and the probabilities of all up to it. */
  window(
    windows: readonly WindowAnswer[],
    mel: Mel,
    probabilities: Record<string, number> | null,
    share: number | null,
  ): void {
    const last = windows.at(-1);
    if (last) {
      this.figure.picture(last, mel);
    }
    this.figure.set(windows, []);
    if (probabilities) {
      this.bars.set(probabilities);
    }
    if (share !== null) {
      this.progress.value = share;
      const [best] = ranked(probabilities ?? {});
      if (best) {
        this.headline(...best, "So far.", false);
      }
    }
  }

  /** Show the answer for a whole sound. */
  done(answer: Answer, card: Card, durationS: number): void {
    show(this.progress, false);
    this.headline(answer.genre, answer.confidence, howSure(answer), answer.unfamiliar);
    const short = shortSound(durationS, card);
    if (short) {
      this.answer.append(element("p", {}, short));
    }
    this.bars.set(answer.probabilities);
    this.figure.set(answer.windows, deciding(answer));
    this.caption.textContent =
      "Above, the mel spectrogram, from low to high; below, the probabilities of the genres, " +
      `window by window. ${whatDecided(answer)}`;
    this.table.replaceChildren(
      element("summary", {}, "The windows as a table"),
      windowTable(answer),
    );
    show(this.table, true);
    this.read();
    this.publish(card.name, answer.probabilities, answer.genre, answer.unfamiliar);
    delete this.answer.dataset.latencyMs;
    this.answer.setAttribute("aria-busy", "false");
  }

  /** Show the same sound with more windows; the answer stays. */
  refine(windows: readonly WindowAnswer[], answer: Answer): void {
    this.figure.set(windows, deciding(answer));
    this.read();
  }

  /** Show the answer for the last seconds of a live sound. */
  live(model: string, heard: Heard): void {
    const { probabilities, unfamiliar } = heard;
    if (!probabilities) {
      return;
    }
    const [genre, share] = ranked(probabilities)[0];
    // Only another genre is read aloud.
    this.answer.setAttribute("aria-busy", String(this.answer.dataset.genre === genre));
    show(this.progress, false);
    const span = `From the last ${Math.round(heard.spanS)} s.`;
    this.headline(genre, share, unfamiliar ? `This sound is ${UNFAMILIAR}.` : span, unfamiliar);
    this.publish(model, probabilities, genre, unfamiliar);
    this.answer.dataset.latencyMs = String(Math.round(heard.latencyMs));
  }

  private headline(genre: string, share: number, sentence: string, unfamiliar: boolean): void {
    const dot = element("span", { class: "try-dot", "aria-hidden": "true" });
    dot.style.setProperty("--try-genre", genreColor(genre));
    this.answer.replaceChildren(
      element(
        "p",
        { class: "try-genre" },
        dot,
        element("span", {}, genre),
        " ",
        element("span", { class: "try-share" }, percent(share)),
      ),
      element("p", unfamiliar ? { class: "try-caution" } : {}, sentence),
    );
  }

  private publish(
    model: string,
    probabilities: Record<string, number>,
    genre: string,
    unfamiliar: boolean,
  ): void {
    this.answer.dataset.genre = genre;
    this.answer.dataset.probabilities = JSON.stringify(probabilities);
    this.answer.dataset.model = model;
    this.answer.dataset.unfamiliar = String(unfamiliar);
    this.state("done");
  }

  /** Show one sentence instead of an answer. */
  error(sentence: string): void {
    show(this.progress, false);
    show(this.details, false);
    show(this.table, false);
    show(this.result, true);
    this.source.textContent = "";
    this.player.pause();
    this.state("error");
    this.answer.textContent = sentence;
    this.answer.setAttribute("aria-busy", "false");
    this.bring();
  }

  /** Show whether the microphone is open. */
  listening(open: boolean): void {
    this.listen.set(open);
    this.models.disabled = open;
    if (open) {
      this.answer.replaceChildren(element("p", { class: "try-genre" }, "Listening …"));
    }
  }

  /** Show how loud the microphone is, from 0 to 1. */
  loudness(peak: number): void {
    this.listen.loudness(peak);
  }

  /** End the figure of a live sound. */
  settle(durationS: number): void {
    this.source.textContent = this.source.textContent?.replace(LIVE, clock(durationS)) ?? "";
    this.figure.settle(durationS);
    show(this.controls, true);
  }

  private read(): void {
    this.reading.textContent = this.figure.reading();
  }

  private state(name: "idle" | "busy" | "done" | "error"): void {
    this.answer.dataset.state = this.root.dataset.state = name;
    if (name !== "done") {
      for (const key of ["genre", "probabilities", "model", "unfamiliar", "latencyMs"]) {
        delete this.answer.dataset[key];
      }
    }
  }
}

function deciding(answer: Answer): WindowAnswer[] {
  return answer.decisive.flatMap((number) => answer.windows[number] ?? []);
}
