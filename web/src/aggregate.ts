/** From windows to the prediction of a sound; as evaluation/aggregate.py and prediction.py. */

import { largest } from "./numbers";
import type { Answer, WindowAnswer } from "./protocol";

/** What the answer of a model depends on beside the windows. */
export interface AnswerSettings {
  genres: string[];
  /** Lower bound of a probability in the geometric mean. */
  smallest: number;
  /** The mean distance of 1, 2, ... windows beyond which sound is unfamiliar. */
  distanceLimits: number[];
}

/** Return the geometric mean of probabilities, scaled to sum to one. */
export function geometricMean(rows: readonly ArrayLike<number>[], smallest: number): Float64Array {
  const mean = new Float64Array(rows[0].length);
  for (const row of rows) {
    for (let i = 0; i < mean.length; i++) {
      mean[i] += Math.log(Math.max(row[i], smallest)) / rows.length;
    }
  }
  const weights = mean.map(Math.exp);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Return the answer for windows, at least one of which is not silent. */
export function answerOf(windows: WindowAnswer[], settings: AnswerSettings): Answer {
  const { genres, smallest, distanceLimits } = settings;
  const numbers = windows.flatMap(({ probabilities }, i) => (probabilities ? [i] : []));
  const rows = numbers.map((i) => windows[i].probabilities as Float32Array);
  const whole = geometricMean(rows, smallest);
  const winner = largest(whole);
  const distance = numbers.reduce((sum, i) => sum + windows[i].distance, 0) / numbers.length;
  const distanceLimit = distanceLimits[Math.min(rows.length, distanceLimits.length) - 1];
  return {
    genre: genres[winner],
    confidence: whole[winner],
    probabilities: Object.fromEntries(genres.map((genre, i) => [genre, whole[i]])),
    unfamiliar: distance > distanceLimit,
    distance,
    distanceLimit,
    windows,
    decisive: decisive(rows, winner, smallest).map((place) => numbers[place]),
  };
}

/**
 * Return the smallest set of rows without which another genre is at least as probable.
 *
 * The largest margin over the other genre comes first.
 */
function decisive(rows: Float32Array[], winner: number, smallest: number): number[] {
  const logs = rows.map((row) => Float64Array.from(row, (p) => Math.log(Math.max(p, smallest))));
  let fewest: number[] | undefined;
  for (let rival = 0; rival < rows[0].length; rival++) {
    if (rival === winner) {
      continue;
    }
    const margins = logs.map((row) => row[winner] - row[rival]);
    const order = margins.map((_, i) => i).sort((i, j) => margins[j] - margins[i] || i - j);
    let left = margins.reduce((sum, margin) => sum + margin, 0);
    const needed = order.findIndex((i) => (left -= margins[i]) <= 1e-9) + 1 || order.length;
    if (!fewest || needed < fewest.length) {
      fewest = order.slice(0, needed);
    }
  }
  return fewest ?? rows.map((_, i) => i);
}
