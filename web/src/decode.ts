/** Files become samples at their own rate. */

import { headerRate } from "./header";
import { type Sound, SoundError } from "./protocol";

/** The longest sound that is decoded, in minutes: all of its samples are in memory. */
export const LONGEST_MIN = 20;

// What a browser does not say the duration of is decoded up to this size in bytes.
const LARGEST = 300e6;
// Browsers that say nothing of a file are waited for, in milliseconds.
const PATIENCE_MS = 4000;

/**
 * Decode a file at the rate that its header states, else at that of the device.
 *
 * Rejects with a `SoundError` if it is empty, too long, or no sound that the browser decodes.
 */
export async function decode(file: Blob, name: string): Promise<Sound> {
  if (file.size === 0) {
    throw new SoundError(`${name}: is empty; choose a file with sound.`);
  }
  const [duration, rate] = await Promise.all([durationOf(file), headerRate(file)]);
  refuseLong(duration ?? 0, name);
  if (duration === null && file.size > LARGEST) {
    throw noSound(name);
  }
  const buffer = await samplesOf(file, rate).catch(() => {
    throw noSound(name);
  });
  refuseLong(buffer.duration, name);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) =>
    buffer.getChannelData(channel),
  );
  return { rate: buffer.sampleRate, channels };
}

function noSound(name: string): SoundError {
  return new SoundError(
    `${name}: holds no sound that this browser can decode; choose a WAV, MP3, FLAC, Ogg or M4A ` +
      "file.",
  );
}

function refuseLong(duration: number, name: string): void {
  if (duration > 60 * LONGEST_MIN) {
    throw new SoundError(
      `${name}: lasts ${Math.round(duration / 60)} minutes, and this page takes up to ` +
        `${LONGEST_MIN}; cut out a part.`,
    );
  }
}

/** The duration in seconds that a player states, without decoding; null if it states none. */
function durationOf(file: Blob): Promise<number | null> {
  const url = URL.createObjectURL(file);
  const player = new Audio();
  player.preload = "metadata";
  const stated = new Promise<number | null>((resolve) => {
    player.onloadedmetadata = () =>
      resolve(Number.isFinite(player.duration) ? player.duration : null);
    player.onerror = () => resolve(null);
    setTimeout(() => resolve(null), PATIENCE_MS);
  });
  player.src = url;
  return stated.finally(() => {
    player.removeAttribute("src");
    URL.revokeObjectURL(url);
  });
}

async function samplesOf(file: Blob, rate: number | null): Promise<AudioBuffer> {
  if (rate !== null) {
    const context = contextAt(rate);
    if (context) {
      return context.decodeAudioData(await file.arrayBuffer());
    }
  }
  const context = new AudioContext();
  try {
    return await context.decodeAudioData(await file.arrayBuffer());
  } finally {
    void context.close();
  }
}

/** Browsers decode to the rate of a context, and refuse rates that they do not know. */
function contextAt(rate: number): OfflineAudioContext | null {
  try {
    return new OfflineAudioContext(1, 1, rate);
  } catch {
    return null;
  }
}
