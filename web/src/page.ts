/** The page "Try it": from a sound to an answer. */

import { type Card, CARDS } from "./cards";
import { decode } from "./decode";
import { Listening } from "./live";
import "./page.css";
import type { Answer, Engine, Sound, WindowAnswer } from "./protocol";
import { together } from "./running";
import { loadExample, loadModel, prepare } from "./scripts";
import { View } from "./view";

// Seconds from one window to the next of a refined timeline, and the longest sound that has one.
const FINE_STEP_S = 1;
const LONGEST_REFINED_S = 300;
// Who asks about one sound after the other does not wait for refined timelines.
const PAUSE_MS = 1000;

class Page {
  private readonly view: View;
  private card = CARDS[0] as Card;
  private file: File | null = null;
  private sound: Sound | null = null;
  private listening: Listening | null = null;
  private run = new AbortController();

  constructor(root: HTMLElement) {
    this.view = new View(root, {
      prepare: () => prepare(this.card.name),
      file: (file) => void this.take(file),
      example: (genre, name) => void this.example(genre, name),
      listen: () => (this.listening ? this.endListening() : void this.listen()),
      model: (name) => void this.choose(name),
    });
  }

  /** End what runs, begin something about a sound of this name, and return its signal. */
  private begin(name: string): AbortSignal {
    this.run.abort();
    this.run = new AbortController();
    this.endListening();
    this.view.busy(name);
    return this.run.signal;
  }

  /** Do what may fail; one sentence says why, unless something else has begun. */
  private async attempt(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (error instanceof Error && error.name === "SoundError") {
        this.view.error(error.message);
      } else {
        this.view.error("This did not work; reload the page, or try another file.");
        console.error(error);
      }
    }
  }

  private async take(file: File, play = false): Promise<void> {
    const signal = this.begin(file.name);
    [this.file, this.sound] = [file, null];
    this.view.player.load(file.size ? file : null);
    if (play) {
      this.view.player.play();
    }
    await this.attempt(signal, () => this.ask(signal));
  }

  private async example(genre: string, name: string): Promise<void> {
    const signal = this.begin(name);
    await this.attempt(signal, async () => {
      const example = await loadExample(genre);
      if (!signal.aborted) {
        await this.take(new File([example], name, { type: example.type }), true);
      }
    });
  }

  private async choose(name: string): Promise<void> {
    this.card = CARDS.find((card) => card.name === name) ?? this.card;
    if (this.file) {
      const signal = this.begin(this.file.name);
      await this.attempt(signal, () => this.ask(signal));
    }
  }

  /** Ask the model about the file. */
  private async ask(signal: AbortSignal): Promise<void> {
    const { file, card } = this;
    if (!file) {
      return;
    }
    const loading = loadModel(card.name);
    loading.catch(() => {});
    const sound = this.sound ?? (await decode(file, file.name));
    const engine = await loading;
    if (signal.aborted) {
      return;
    }
    this.sound = sound;
    const durationS = (sound.channels[0]?.length ?? 0) / sound.rate;
    this.view.begin(file.name, engine.info, durationS, sound.rate);
    const windows: WindowAnswer[] = [];
    const answer = await engine.predict(sound, {
      signal,
      onWindow: (window, mel, done, total) => {
        if (!signal.aborted) {
          windows.push(window);
          this.view.window(windows, mel, together(engine.info, windows), done / total);
        }
      },
    });
    if (!signal.aborted) {
      this.view.done(answer, card, durationS);
      await this.refine(answer, engine, sound, durationS, signal);
    }
  }

  /** Show a window every second, of sound that is not too long; the answer stays. */
  private async refine(
    answer: Answer,
    engine: Engine,
    sound: Sound,
    durationS: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (durationS <= engine.info.windowS || durationS > LONGEST_REFINED_S) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (signal.aborted) {
      return;
    }
    const fine = await engine.predict(sound, { stepS: FINE_STEP_S, signal }).catch(() => null);
    if (fine && !signal.aborted) {
      this.view.refine(fine.windows, answer);
    }
  }

  private async listen(): Promise<void> {
    const signal = this.begin("microphone");
    [this.file, this.sound] = [null, null];
    this.view.player.load(null);
    await this.attempt(signal, () => this.follow(signal, this.card));
  }

  private async follow(signal: AbortSignal, card: Card): Promise<void> {
    const listening = await Listening.open(loadModel(card.name), (peak) =>
      this.view.loudness(peak),
    );
    const { engine, microphone } = listening;
    if (signal.aborted) {
      listening.stop();
      return;
    }
    this.listening = listening;
    this.view.listening(true);
    this.view.begin("microphone", engine.info, null, microphone.rate);
    try {
      const { answer, file } = await listening.hear((heard) => {
        if (!signal.aborted) {
          this.view.window(heard.windows, heard.mel, heard.probabilities, null);
          this.view.live(card.name, heard);
        }
      });
      if (!signal.aborted) {
        this.file = file;
        this.view.player.load(file);
        const durationS = answer.windows.at(-1)?.endS ?? 0;
        this.view.settle(durationS);
        this.view.done(answer, card, durationS);
      }
    } finally {
      if (this.listening === listening) {
        this.endListening();
      }
    }
  }

  private endListening(): void {
    this.listening?.stop();
    this.listening = null;
    this.view.listening(false);
  }
}

const root = document.querySelector<HTMLElement>("#try");
if (root) {
  new Page(root);
}
