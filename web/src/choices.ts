/** The choice between the models, with how often each is right. */

import { CARDS } from "./cards";
import { element } from "./dom";
import type { Wishes } from "./start";
import { interval } from "./words";

/** Make the choice; the first model is chosen. */
export function modelChoice(wishes: Wishes): HTMLFieldSetElement {
  const choices = CARDS.map((card, i) => {
    const id = `try-${card.name}`;
    const input = element("input", { type: "radio", name: "try-model", id, value: card.name });
    input.checked = i === 0;
    input.addEventListener("change", () => wishes.model(card.name));
    const label = element(
      "label",
      { for: id },
      element("span", { class: "try-model-name" }, card.name),
      element("span", { class: "try-accuracy" }, interval(card.clips)),
      element("span", { class: "try-about" }, card.about),
    );
    return element("div", { class: "try-model" }, input, label);
  });
  const links = CARDS.map((card) => element("a", { href: card.page }, card.name));
  const about = element(
    "p",
    { class: "try-small" },
    `How often each is right, with 95 % interval: on the ${CARDS[0]?.clips.n} clips of 30 s of ` +
      "GTZAN’s test part. The cards of ",
    ...links.flatMap((link, i) => (i ? [" and ", link] : [link])),
    " say more.",
  );
  return element(
    "fieldset",
    { class: "try-models" },
    element("legend", {}, "Model"),
    ...choices,
    about,
  );
}
