/** What the cards of the models say, before any model is loaded. */

import { accuracy as musicnn } from "../../gtzan_lib/inference/zoo_models/gtzan-musicnn/model.json";
import { accuracy as scratch } from "../../gtzan_lib/inference/zoo_models/gtzan-scratch/model.json";

/** A model's name, what it rests on, and how often it is right. */
export interface Card {
  name: string;
  about: string;
  /** Its whole card in the book, relative to this page. */
  page: string;
  /** Share of the test clips of 30 s. */
  clips: Score;
  /** Share of windows of 3 s of the same clips. */
  windows: Score;
}

/** A share, its 95 % interval, and of how many. */
export interface Score {
  value: number;
  low: number;
  high: number;
  n: number;
}

interface Entry extends Score {
  input_s: number;
  interval: string;
}

/** The models of the page, the default first. */
export const CARDS: readonly Card[] = [
  {
    name: "gtzan-musicnn",
    about: "Tags of a network trained on other music",
    page: "concepts/model_cards.html#gtzan-musicnn",
    ...scores(musicnn),
  },
  {
    name: "gtzan-scratch",
    about: "Learned from GTZAN’s training tracks alone",
    page: "concepts/model_cards.html#gtzan-scratch",
    ...scores(scratch),
  },
];

/** Return the first score of each length, which is the one that the book quotes. */
function scores(entries: readonly Entry[]): { clips: Score; windows: Score } {
  const clips = entries.find((entry) => entry.input_s > 20);
  const windows = entries.find((entry) => entry.input_s < 20);
  if (!clips || !windows) {
    throw new Error("a card lacks the accuracy of clips or of windows");
  }
  return { clips, windows };
}
