// Keyboard and clipboard on the record's pages. Everything can be done without it.
"use strict";

(() => {
  const dialog = document.getElementById("keys");
  const filter = document.getElementById("filter");
  const rows = [...document.querySelectorAll("[data-open]")];

  const move = (step) => {
    const at = rows.findIndex((link) => link.closest("tr, li").contains(document.activeElement));
    const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[next]?.focus();
  };
  const follow = (relation) => document.querySelector(`a[rel="${relation}"]`)?.click();
  const actions = {
    "/": () => {
      if (!filter) return false;
      filter.open = true;
      filter.querySelector("input[type=text]").focus();
    },
    j: () => move(1),
    k: () => move(-1),
    n: () => follow("next"),
    p: () => follow("prev"),
    "?": () => dialog?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog?.open) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = actions[event.key];
    if (act && act() !== false) event.preventDefault();
  });

  for (const all of document.querySelectorAll("[data-choose-all]")) {
    const boxes = [...all.form.querySelectorAll("input[name=chosen]")];
    const show = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      all.checked = chosen === boxes.length;
      all.indeterminate = chosen > 0 && !all.checked;
    };
    all.closest("[hidden]").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
    });
    for (const box of boxes) box.addEventListener("change", show);
    show();
  }
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = !dialog;
    button.addEventListener("click", () => dialog.showModal());
  }
  for (const button of document.querySelectorAll("[data-copy-link]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    const words = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        button.textContent = "Link copied";
      } catch {
        button.textContent = "Copy the address instead";
      }
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
})();
