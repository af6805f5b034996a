// Figures open large on a click, on Enter or on the space bar; Escape or a click closes them.
document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged-figure";
  dialog.setAttribute("aria-label", "Enlarged figure");
  const large = document.createElement("img");
  dialog.append(large);
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  for (const image of document.querySelectorAll("figure > img")) {
    const enlarge = () => {
      large.src = image.src;
      large.alt = image.alt;
      dialog.showModal();
    };
    image.tabIndex = 0;
    image.setAttribute("role", "button");
    image.setAttribute("aria-label", `${image.alt} (enlarge)`);
    image.addEventListener("click", enlarge);
    image.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        enlarge();
      }
    });
  }
});
