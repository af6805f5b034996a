/** The windows of an answer as a table. */

import { element } from "./dom";
import type { Answer, WindowAnswer } from "./protocol";
import { clock, percent } from "./words";

/** Make the rows' heading and the rows: when, what, how probable, and whether it decided. */
export function windowTable(answer: Answer): HTMLElement {
  const genres = Object.keys(answer.probabilities);
  const decided = new Set(answer.decisive);
  const rows = answer.windows.map((window, number) =>
    row("td", [...cells(window, genres), decided.has(number) ? "yes" : "no"]),
  );
  return element(
    "div",
    { class: "try-scroll", tabindex: "0", role: "region", "aria-label": "Table of windows" },
    element(
      "table",
      {},
      element("thead", {}, row("th", ["window", "genre", "probability", "decided"])),
      element("tbody", {}, ...rows),
    ),
  );
}

function cells(window: WindowAnswer, genres: readonly string[]): string[] {
  // Windows of MusiCNN have 2.992 s.
  const time = `${clock(Math.round(window.startS))} to ${clock(Math.round(window.endS))}`;
  const shares = window.probabilities;
  if (!shares) {
    return [time, "silence", ""];
  }
  const best = shares.indexOf(Math.max(...shares));
  return [time, genres[best] ?? "", percent(shares[best] ?? 0)];
}

function row(kind: "td" | "th", texts: readonly string[]): HTMLElement {
  return element("tr", {}, ...texts.map((text) => element(kind, {}, text)));
}
