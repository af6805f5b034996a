/** The figure of a sound: its spectrogram, its timeline, and a cursor that can be moved. */

import { element } from "./dom";
import { drawFigure } from "./drawing";
import type { Mel, WindowAnswer } from "./protocol";
import { Spectrogram } from "./spectrogram";
import { type Piece, pieceAt, pieces } from "./timeline";
import { clock, percent } from "./words";

/** What the figure tells the page. */
export interface FigureHandlers {
  /** The cursor was moved to a time in seconds. */
  seek(timeS: number): void;
  /** Play, or pause. */
  toggle(): void;
}

// Seconds that a live figure shows.
const LIVE_S = 30;

export class SoundFigure {
  /** Holds the picture and the cursor; a slider for those who do not see it. */
  readonly slider: HTMLElement;
  private readonly canvas = element("canvas", { "aria-hidden": "true" });
  private readonly cursor = element("div", { class: "try-cursor" });
  private readonly spectrogram = new Spectrogram();
  private genres: readonly string[] = [];
  private windows: readonly WindowAnswer[] = [];
  private decisive: readonly WindowAnswer[] = [];
  private timeline: Piece[] = [];
  private durationS = 0;
  private live = false;
  private timeS = 0;
  private drawn = 0;

  constructor(private readonly handlers: FigureHandlers) {
    this.slider = element(
      "div",
      {
        class: "try-slider",
        role: "slider",
        tabindex: "0",
        "aria-label": "Position in the sound",
        "aria-valuemin": "0",
      },
      this.canvas,
      this.cursor,
    );
    this.slider.addEventListener("pointerdown", (event) => this.grab(event));
    this.slider.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.redraw()).observe(this.slider);
    // The theme of the book can be switched.
    new MutationObserver(() => this.redraw()).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
  }

  /** Begin a figure for a sound of this duration; of a live one it is not known. */
  begin(genres: readonly string[], durationS: number | null): void {
    this.spectrogram.clear();
    this.genres = genres;
    this.live = durationS === null;
    this.durationS = durationS ?? 0;
    this.slider.setAttribute("aria-disabled", String(this.live));
    this.set([], []);
    this.move(0);
  }

  /** Add the picture of a window. */
  picture(window: WindowAnswer, mel: Mel): void {
    const limitS = this.live ? window.endS : this.durationS;
    this.spectrogram.put(window.startS, window.endS, limitS, mel);
    this.redraw();
  }

  /** Show these windows, in order of time, and mark those that decided. */
  set(windows: readonly WindowAnswer[], decisive: readonly WindowAnswer[]): void {
    const lastS = windows.at(-1)?.endS ?? 0;
    this.durationS = this.live ? lastS : this.durationS;
    this.windows = windows;
    this.decisive = decisive;
    this.timeline = pieces(this.windows, Math.min(this.durationS, lastS));
    this.slider.setAttribute("aria-valuemax", String(Math.floor(this.durationS)));
    this.slider.dataset.windows = String(windows.length);
    this.describe();
    this.redraw();
  }

  /** End a live figure: all of it is shown, and the cursor can be moved. */
  settle(durationS: number): void {
    this.live = false;
    this.durationS = durationS;
    this.slider.setAttribute("aria-disabled", "false");
    this.set(this.windows, this.decisive);
    this.move(0);
  }

  /** Put the cursor at a time in seconds. */
  move(timeS: number): void {
    this.timeS = timeS;
    const [startS, endS] = this.span();
    const share = endS > startS ? (timeS - startS) / (endS - startS) : 0;
    this.cursor.style.left = `${100 * Math.max(0, Math.min(1, share))}%`;
    this.cursor.hidden = this.live || this.durationS === 0;
    this.describe();
  }

  /** Say what the window at the cursor is predicted as; empty if there is none. */
  reading(): string {
    const window = pieceAt(this.timeline, this.timeS)?.window;
    if (!window) {
      return "";
    }
    if (!window.probabilities) {
      return "silence";
    }
    const best = [...window.probabilities.entries()].sort((a, b) => b[1] - a[1]).slice(0, 2);
    const named = best.filter(([, share], place) => place === 0 || share >= 0.005);
    return named.map(([genre, share]) => `${this.genres[genre]} ${percent(share)}`).join(", ");
  }

  private describe(): void {
    const text = `${clock(this.timeS)} of ${clock(this.durationS)}`;
    const reading = this.reading();
    const described = reading ? `${text}: ${reading}` : text;
    if (this.slider.getAttribute("aria-valuetext") !== described) {
      this.slider.setAttribute("aria-valuenow", String(Math.floor(this.timeS)));
      this.slider.setAttribute("aria-valuetext", described);
    }
  }

  /** First and last second that are shown. */
  private span(): [number, number] {
    return this.live
      ? [Math.max(0, this.durationS - LIVE_S), Math.max(LIVE_S, this.durationS)]
      : [0, this.durationS];
  }

  private grab(event: PointerEvent): void {
    if (this.live || this.durationS === 0 || event.button !== 0) {
      return;
    }
    const seek = (moved: PointerEvent) => {
      const box = this.slider.getBoundingClientRect();
      this.seek(((moved.clientX - box.left) / box.width) * this.durationS);
    };
    seek(event);
    this.slider.setPointerCapture(event.pointerId);
    this.slider.onpointermove = seek;
    this.slider.onlostpointercapture = () => {
      this.slider.onpointermove = null;
    };
  }

  private press(event: KeyboardEvent): void {
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -10,
      PageUp: 10,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (this.live || !plain || (step === undefined && event.key !== " " && event.key !== "Enter")) {
      return;
    }
    event.preventDefault();
    if (step === undefined) {
      this.handlers.toggle();
    } else {
      this.seek(this.timeS + step);
    }
  }

  private seek(timeS: number): void {
    this.move(Math.max(0, Math.min(this.durationS, timeS)));
    this.handlers.seek(this.timeS);
  }

  private redraw(): void {
    this.drawn ||= requestAnimationFrame(() => {
      this.drawn = 0;
      this.draw();
    });
  }

  private draw(): void {
    const [startS, endS] = this.span();
    const height = drawFigure(this.slider, this.canvas, {
      startS,
      endS,
      genres: this.genres,
      spectrogram: this.spectrogram,
      timeline: this.timeline,
      decisive: this.decisive,
    });
    this.cursor.style.height = `${height}px`;
    this.move(this.timeS);
  }
}
