/** What the page and the engine say to each other. The engine lives in workers. */

/** Sound as it was decoded: one array per channel, full scale 1, all of one length. */
export interface Sound {
  rate: number;
  channels: Float32Array[];
}

/** One score that a model's card states. */
export interface Expected {
  inputS: number;
  value: number;
  low: number;
  high: number;
  n: number;
  part: string;
  /** How `low` and `high` were computed. */
  interval?: string;
}

/** What the page tells about a model. */
export interface ModelInfo {
  name: string;
  takes: string;
  genres: string[];
  windowS: number;
  stepS: number;
  expected: Expected[];
  /** The mean distance of 1, 2, ... windows beyond which sound is unfamiliar; for live answers. */
  distanceLimits?: number[];
}

/** A picture of the sound of a window: log-mel levels from 0 to 1, lowest band first. */
export interface Mel {
  bands: number;
  frames: number;
  /** Level of band `b` at frame `t`, at `t * bands + b`. */
  levels: Float32Array;
}

/** The prediction of one window; `probabilities` is null if the window is silent. */
export interface WindowAnswer {
  startS: number;
  endS: number;
  probabilities: Float32Array | null;
  distance: number;
}

/** The prediction of a whole sound, as by `gtzan predict`. */
export interface Answer {
  genre: string;
  confidence: number;
  probabilities: Record<string, number>;
  /** Whether the sound is unlike anything that the model was trained on. */
  unfamiliar: boolean;
  distance: number;
  distanceLimit: number;
  windows: WindowAnswer[];
  /** Numbers of the windows that decided, the largest margin first. */
  decisive: number[];
}

/** Called for each window, in order of time, when it is predicted. */
export type OnWindow = (window: WindowAnswer, mel: Mel, done: number, total: number) => void;

export interface Options {
  /** Seconds from one window's start to the next; default: the model's. */
  stepS?: number;
  onWindow?: OnWindow;
  signal?: AbortSignal;
}

/** Predictions of sound that arrives in pieces, as from a microphone. */
export interface Stream {
  /** Take the next samples, mono, at the stream's rate. */
  push(samples: Float32Array): void;
  /** Stop, and return the answer for all that was heard; reject if that is too short. */
  finish(): Promise<Answer>;
}

/** A loaded model. */
export interface Engine {
  info: ModelInfo;
  /** Reject with a `SoundError` if the sound is too short, silent or has too low a rate. */
  predict(sound: Sound, options?: Options): Promise<Answer>;
  stream(rate: number, onWindow: OnWindow, stepS: number): Stream;
}

/** A sound that cannot be predicted, or a model that cannot be loaded: one sentence. */
export class SoundError extends Error {
  // Page and engine are two scripts, each with a class of its own: errors are told by name.
  override name = "SoundError";
}

/** Loads a model's weights on first use, and starts workers; `models.ts` exports it. */
export type LoadEngine = (name: string) => Promise<Engine>;

/**
 * What `engine.js` sets as `globalThis.gtzanEngine`. The page adds `engine.js` and
 * `<name of the model>.js`, both beside `page.js`, before it calls `loadEngine`.
 */
export interface EngineScript {
  loadEngine: LoadEngine;
}
