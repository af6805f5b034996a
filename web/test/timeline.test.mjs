/** Pieces of the timeline, marks of its axis, and sentences about an answer. */

import assert from "node:assert/strict";
import test from "node:test";
import { marks, pieceAt, pieces } from "../src/timeline";
import { clock, howSure, percent, whatDecided } from "../src/words";

const probabilities = Float32Array.of(1);
const windows = (seconds, ...startsS) =>
  startsS.map((startS) => ({ startS, endS: startS + seconds, probabilities, distance: 1 }));
const spans = (list) => list.map(({ fromS, toS }) => [fromS, toS]);

test("windows side by side are the pieces", () => {
  assert.deepEqual(spans(pieces(windows(3, 0, 3, 6), 9)), [[0, 3], [3, 6], [6, 9]]);
});

test("of windows that overlap, the nearest middle counts", () => {
  assert.deepEqual(spans(pieces(windows(3, 0, 1, 2), 5)), [[0, 2], [2, 3], [3, 5]]);
  assert.deepEqual(spans(pieces(windows(3, 0), 1.5)), [[0, 1.5]]);
  assert.deepEqual(pieces([], 5), []);
});

test("a time is in one piece", () => {
  const list = pieces(windows(3, 0, 3, 6), 9);
  assert.equal(pieceAt(list, 0), list[0]);
  assert.equal(pieceAt(list, 3), list[1]);
  assert.equal(pieceAt(list, 100), list[2]);
  assert.equal(pieceAt([], 0), undefined);
});

test("marks are at round seconds", () => {
  assert.deepEqual(marks(0, 30, 6), [0, 5, 10, 15, 20, 25, 30]);
  assert.deepEqual(marks(7.5, 37.5, 3), [10, 20, 30]);
  assert.ok(marks(0, 1200, 5).length <= 6);
});

const answer = (values) => ({
  genre: "jazz",
  confidence: 0.62,
  probabilities: { blues: 0.21, jazz: 0.62, rock: 0.17 },
  unfamiliar: false,
  distance: 5,
  distanceLimit: 9,
  windows: windows(3, 0, 3, 6),
  decisive: [0],
  ...values,
});

test("sentences", () => {
  assert.equal(clock(65.4), "1:05");
  assert.equal(percent(0.996), "100 %");
  const sure = howSure(answer({}));
  assert.match(sure, /^Next is blues with 21 %\. Of answers with 62 %, about 62 in 100 are right/);
  assert.match(howSure(answer({ confidence: 0.996 })), /Of answers this sure, most are right/);
  const strange = howSure(answer({ unfamiliar: true, distance: 12.34 }));
  assert.match(strange, /unlike anything the model was trained on: do not use the genre\. .*12\.3/);
  assert.match(whatDecided(answer({})), /^Without the marked window of 3, another genre/);
  assert.match(whatDecided(answer({ decisive: [0, 1] })), /^Without the 2 marked windows of 3/);
  assert.equal(whatDecided(answer({ decisive: [0, 1, 2] })), "All 3 windows decided together.");
  const silent = { ...windows(3, 3)[0], probabilities: null };
  const one = answer({ windows: [...windows(3, 0), silent] });
  assert.equal(whatDecided(one), "The sound is one window.");
});
