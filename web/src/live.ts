/** Listening: a microphone, a model that hears it, and what was heard. */

import { LONGEST_MIN } from "./decode";
import { type Microphone, openMicrophone } from "./microphone";
import type { Answer, Engine, Mel, WindowAnswer } from "./protocol";
import { Recording } from "./recording";
import { areUnfamiliar, together } from "./running";

/** Seconds from one live answer to the next. */
export const LIVE_STEP_S = 1;

// Windows in the moving average, as in `gtzan listen`.
const AVERAGED = 5;

/** A live answer, and what it rests on. */
export interface Heard {
  /** All windows up to now. */
  windows: readonly WindowAnswer[];
  mel: Mel;
  /** The last windows together; null while all is silent. */
  probabilities: Record<string, number> | null;
  unfamiliar: boolean;
  /** Length in seconds of what the probabilities are of. */
  spanS: number;
  /** From the arrival of the window's last sample to this answer. */
  latencyMs: number;
}

export class Listening {
  private readonly recording: Recording;
  private readonly windows: WindowAnswer[] = [];
  // End in the sound, and time of arrival, of the last blocks.
  private readonly arrivals: { endS: number; ms: number }[] = [];
  private end = () => {};

  private constructor(
    readonly engine: Engine,
    readonly microphone: Microphone,
    private readonly take: { block: (samples: Float32Array) => void },
  ) {
    this.recording = new Recording(microphone.rate);
  }

  /**
   * Open the microphone while the model is loaded.
   *
   * Must be called while a click is handled. Rejects with a `SoundError` if one of them
   * is not to be had.
   */
  static async open(
    loading: Promise<Engine>,
    onLoudness: (peak: number) => void,
  ): Promise<Listening> {
    // What comes before the model is loaded is not used.
    const take = { block: (_samples: Float32Array) => {} };
    const opening = openMicrophone((samples, peak) => {
      onLoudness(peak);
      take.block(samples);
    });
    loading.catch(() => {});
    const microphone = await opening;
    try {
      return new Listening(await loading, microphone, take);
    } catch (error) {
      microphone.stop();
      throw error;
    }
  }

  /** Hear until `stop` is called, or as long as a file may be; then close the microphone. */
  async hear(onHeard: (heard: Heard) => void): Promise<{ answer: Answer; file: File }> {
    const stream = this.engine.stream(
      this.microphone.rate,
      (window, mel) => onHeard(this.heard(window, mel)),
      LIVE_STEP_S,
    );
    await new Promise<void>((resolve) => {
      this.end = resolve;
      this.take.block = (samples) => {
        this.recording.push(samples);
        this.arrivals.push({ endS: this.recording.durationS, ms: performance.now() });
        stream.push(samples);
        if (this.recording.durationS >= 60 * LONGEST_MIN) {
          resolve();
        }
      };
    });
    this.stop();
    return { answer: await stream.finish(), file: this.recording.file() };
  }

  stop(): void {
    this.take.block = () => {};
    this.microphone.stop();
    this.end();
  }

  private heard(window: WindowAnswer, mel: Mel): Heard {
    this.windows.push(window);
    while ((this.arrivals[0]?.endS ?? Infinity) < window.endS - 1e-6) {
      this.arrivals.shift();
    }
    const now = performance.now();
    const { info } = this.engine;
    const last = this.windows.filter((one) => one.probabilities !== null).slice(-AVERAGED);
    return {
      windows: this.windows,
      mel,
      probabilities: together(info, last),
      unfamiliar: areUnfamiliar(info, last),
      spanS: window.endS - (last[0]?.startS ?? window.startS),
      latencyMs: now - (this.arrivals[0]?.ms ?? now),
    };
  }
}
