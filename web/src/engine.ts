/** Predictions of sounds and streams; where their windows are predicted is told to it. */

import { answerOf } from "./aggregate";
import type { ModelDescription, Predicted } from "./model";
import type { Task } from "./predictor";
import {
  type Answer, type Engine, type ModelInfo, type OnWindow, type Options, type Sound, SoundError,
  type Stream, type WindowAnswer,
} from "./protocol";
import { type Part, starts, windowPart } from "./windows";

// More than starts of windows are rounded.
const ROUNDING_S = 1e-3;

// Predictions after which most of the code is optimised.
const WARM_UPS = 2;

/** Predicts a window somewhere else; several may be under way at a time. */
export type RunTask = (task: Task) => Promise<Predicted>;

export class SoundEngine implements Engine {
  readonly info: ModelInfo;

  /**
   * @param model What is known of the model.
   * @param run Predicts windows.
   * @param ahead Windows that are given to `run` before the first is back.
   */
  constructor(
    private readonly model: ModelDescription, private readonly run: RunTask,
    private readonly ahead: number,
  ) {
    this.info = model.info;
  }

  async predict(sound: Sound, options: Options = {}): Promise<Answer> {
    const { rate, channels } = sound;
    this.requireRate(rate);
    const samples = channels[0].length;
    this.requireLength(samples / rate);
    const { settings } = this.model;
    const found = starts(samples / rate, settings, options.stepS);
    const queue = new Queue(this.model, found.length, options.onWindow);
    for (const startS of found) {
      if (queue.waiting >= this.ahead) {
        await queue.next();
      }
      options.signal?.throwIfAborted();
      const part = windowPart(startS, settings, rate, samples);
      queue.add(part, this.run(this.task(rate, part, mono(channels, part))));
    }
    while (queue.waiting) {
      await queue.next();
      options.signal?.throwIfAborted();
    }
    return queue.answer();
  }

  stream(rate: number, onWindow: OnWindow, stepS: number): Stream {
    this.requireRate(rate);
    const { settings } = this.model;
    this.warmUp(rate);
    const queue = new Queue(this.model, 0, onWindow);
    const heard = new Heard();
    let failure: unknown;
    let number = 0;
    let last: Promise<void> = Promise.resolve();
    const take = (part: Part) => {
      const piece = heard.part(part.first, part.last);
      queue.add(part, this.run(this.task(rate, part, piece)));
      last = last.then(() => queue.next()).catch((error) => {
        failure ??= error;
      });
      number += 1;
    };
    return {
      push: (samples) => {
        heard.push(samples);
        let part = windowPart(number * stepS, settings, rate, Infinity);
        while (part.last <= heard.end) {
          take(part);
          part = windowPart(number * stepS, settings, rate, Infinity);
        }
        // The last window, which ends where the sound ends, may need earlier samples.
        const startS = heard.end / rate - settings.seconds - ROUNDING_S;
        heard.forget(Math.min(part.first, windowPart(startS, settings, rate, Infinity).first));
      },
      finish: async () => {
        this.requireLength(heard.end / rate);
        for (const startS of starts(heard.end / rate, settings, stepS).slice(number)) {
          take(windowPart(startS, settings, rate, heard.end));
        }
        await last;
        if (failure) {
          throw failure;
        }
        return queue.answer();
      },
    };
  }

  /** Have what is built on first use built now, so that it does not delay the first answer. */
  private warmUp(rate: number): void {
    const part = windowPart(0, this.model.settings, rate, Infinity);
    for (let i = 0; i < WARM_UPS; i++) {
      const noise = Float32Array.from({ length: part.last - part.first }, () => Math.random() - 0.5);
      // Errors are those of the first window, which tells them.
      this.run(this.task(rate, part, noise)).catch(() => {});
    }
  }

  private task(rate: number, part: Part, piece: Float32Array): Task {
    return { model: this.info.name, rate, part, piece };
  }

  private requireRate(rate: number): void {
    if (rate < this.model.lowestRate) {
      throw new SoundError(
        `The sound has a sample rate of ${rate} Hz, too low for music; give sound of at least ` +
          `${this.model.lowestRate} Hz.`,
      );
    }
  }

  private requireLength(seconds: number): void {
    const { shortest } = this.model.settings;
    if (seconds < shortest) {
      throw new SoundError(
        `The sound lasts ${seconds.toFixed(2)} s, which is too short; give at least ` +
          `${shortest} s of sound.`,
      );
    }
  }
}

/** Windows under way, which come back in order of time. */
class Queue {
  private readonly pending: { part: Part; result: Promise<Predicted> }[] = [];
  private readonly windows: WindowAnswer[] = [];

  constructor(
    private readonly model: ModelDescription, private readonly total: number,
    private readonly onWindow?: OnWindow,
  ) {}

  get waiting(): number {
    return this.pending.length;
  }

  add(part: Part, result: Promise<Predicted>): void {
    // An error is told by `next`, if anybody asks.
    result.catch(() => {});
    this.pending.push({ part, result });
  }

  /** Wait for the next window. */
  async next(): Promise<void> {
    const { part, result } = this.pending.shift() as (typeof this.pending)[0];
    const { probabilities, distance, mel } = await result;
    const { startS } = part;
    const endS = startS + this.model.settings.seconds;
    const window = { startS, endS, probabilities, distance };
    this.windows.push(window);
    const done = this.windows.length;
    this.onWindow?.(window, mel, done, Math.max(done, this.total));
  }

  answer(): Answer {
    if (!this.windows.some(({ probabilities }) => probabilities)) {
      throw new SoundError("The sound is silent; give it sound.");
    }
    const { smallest, info } = this.model;
    return answerOf(this.windows, { smallest, ...info });
  }
}

/** The last samples of a stream. */
class Heard {
  private kept = new Float32Array(2 ** 16);
  private first = 0;
  private length = 0;

  /** The number of samples that have arrived. */
  get end(): number {
    return this.first + this.length;
  }

  push(samples: Float32Array): void {
    const length = this.length + samples.length;
    if (length > this.kept.length) {
      const larger = new Float32Array(2 * length);
      larger.set(this.kept.subarray(0, this.length));
      this.kept = larger;
    }
    this.kept.set(samples, this.length);
    this.length = length;
  }

  /** Return a copy of the samples from `first` to before `last`. */
  part(first: number, last: number): Float32Array {
    return this.kept.slice(first - this.first, last - this.first);
  }

  /** Allow the samples before `first` to be forgotten; they are, when they are many. */
  forget(first: number): void {
    const samples = first - this.first;
    if (samples > this.length / 2) {
      this.kept.copyWithin(0, samples, this.length);
      this.first = first;
      this.length -= samples;
    }
  }
}

/** Return the mean of the channels in a part of a sound. */
function mono(channels: Float32Array[], { first, last }: Part): Float32Array {
  const piece = channels[0].slice(first, last);
  for (const channel of channels.slice(1)) {
    for (let i = 0; i < piece.length; i++) {
      piece[i] += channel[first + i];
    }
  }
  return channels.length > 1 ? piece.map((sum) => sum / channels.length) : piece;
}
