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
  const copies = (button, text, done, failed) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    const words = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = done;
      } catch {
        button.textContent = failed;
      }
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  };
  for (const button of document.querySelectorAll("[data-copy-link]")) {
    copies(button, () => location.href, "Link copied", "Copy the address instead");
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    const shown = document.getElementById(button.dataset.copy);
    copies(button, () => shown.textContent.trim(), "Copied", "Select and copy it instead");
  }
})();
