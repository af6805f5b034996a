/** What the windows up to now say together, before the answer for the whole is there. */

import { geometricMean } from "./aggregate";
import type { ModelInfo, WindowAnswer } from "./protocol";

// Lower bound of a probability, as in gtzan_lib/evaluation/aggregate.py.
const SMALLEST = 1e-6;

/** The probabilities of windows together; null if all are silent. */
export function together(
  info: ModelInfo,
  windows: readonly WindowAnswer[],
): Record<string, number> | null {
  const rows = windows.flatMap((window) => window.probabilities ?? []);
  if (!rows.length) {
    return null;
  }
  const shares = geometricMean(rows, SMALLEST);
  return Object.fromEntries(info.genres.map((genre, i) => [genre, shares[i] ?? 0]));
}

/** Whether windows, none of them silent, are unlike anything the model was trained on. */
export function areUnfamiliar(info: ModelInfo, windows: readonly WindowAnswer[]): boolean {
  const limits = info.distanceLimits ?? [];
  const limit = limits[Math.min(windows.length, limits.length) - 1] ?? Infinity;
  return windows.reduce((sum, window) => sum + window.distance, 0) / windows.length > limit;
}
