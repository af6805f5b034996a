/** Sentences of the page. */

import type { Card, Score } from "./cards";
import type { Answer } from "./protocol";

/** As `gtzan predict` says it. */
export const UNFAMILIAR = "unlike anything the model was trained on";

/** Return a share as a whole number of per cent. */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** Return a time in minutes and seconds, such as 1:05. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds + 1e-6);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Return a share with its 95 % interval, in per cent. */
export function interval(score: Score): string {
  const [value, low, high] = [score.value, score.low, score.high].map((x) => (100 * x).toFixed(1));
  return `${value} % (${low} to ${high})`;
}

/** Return genres and their shares, the most probable first. */
export function ranked(probabilities: Record<string, number>): [string, number][] {
  return Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
}

/** Say how sure the model is, and whether to believe it. */
export function howSure(answer: Answer): string {
  if (answer.unfamiliar) {
    return (
      `This sound is ${UNFAMILIAR}: do not use the genre. Its distance from the training music ` +
      `is ${answer.distance.toFixed(1)}; of the training tracks, one in twenty is farther than ` +
      `${answer.distanceLimit.toFixed(1)}.`
    );
  }
  const second = ranked(answer.probabilities)[1];
  const share = Math.round(100 * answer.confidence);
  const right =
    share < 99 ? `Of answers with ${share} %, about ${share} in 100` : "Of answers this sure, most";
  return (
    (second ? `Next is ${second[0]} with ${percent(second[1])}. ` : "") +
    `${right} are right, for music like GTZAN’s.`
  );
}

/** Say which windows decided. */
export function whatDecided(answer: Answer): string {
  const heard = answer.windows.filter((window) => window.probabilities !== null).length;
  const decided = answer.decisive.length;
  if (heard === 1) {
    return "The sound is one window.";
  }
  if (decided === heard) {
    return `All ${heard} windows decided together.`;
  }
  const marked = decided === 1 ? "the marked window" : `the ${decided} marked windows`;
  return `Without ${marked} of ${heard}, another genre would be at least as probable.`;
}

/** Say how often a model is right on short sound; empty if the sound is not short. */
export function shortSound(durationS: number, card: Card): string {
  if (durationS >= 10) {
    return "";
  }
  return (
    `Short sound is harder: of GTZAN’s test windows of 3 s, ${interval(card.windows)} are right ` +
    `with ${card.name}.`
  );
}
