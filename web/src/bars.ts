/** The probabilities of the genres as a list of bars with numbers. */

import { genreColor } from "./colors";
import { element } from "./dom";
import { percent } from "./words";

export class Bars {
  readonly list = element("ul", { class: "try-bars", "aria-label": "Probabilities of the genres" });
  private rows = new Map<string, { row: HTMLElement; value: HTMLElement }>();

  /** Show one row for each genre, without values. */
  begin(genres: readonly string[]): void {
    this.rows = new Map(genres.map((genre) => [genre, this.row(genre)]));
    this.list.replaceChildren(...[...this.rows.values()].map(({ row }) => row));
  }

  private row(genre: string): { row: HTMLElement; value: HTMLElement } {
    const value = element("span", { class: "try-value" });
    const bar = element("span", { class: "try-bar", "aria-hidden": "true" }, element("span"));
    const dot = element("span", { class: "try-dot", "aria-hidden": "true" });
    const name = element("span", { class: "try-name" }, genre);
    const row = element("li", {}, dot, name, " ", bar, value);
    row.style.setProperty("--try-genre", genreColor(genre));
    return { row, value };
  }

  /** Show these probabilities; the most probable genre stands out. */
  set(probabilities: Record<string, number>): void {
    const highest = Math.max(...Object.values(probabilities));
    for (const [genre, { row, value }] of this.rows) {
      const share = probabilities[genre] ?? 0;
      row.style.setProperty("--try-share", String(share));
      row.classList.toggle("try-first", share === highest);
      value.textContent = percent(share);
    }
  }
}
