"use strict";
// The filter, and paper. Without this script the page is whole: nothing here adds a fact.
(() => {
  const form = document.querySelector("form.filter");
  const text = document.getElementById("filter-text");
  const area = document.getElementById("filter-area");
  const count = document.getElementById("filter-count");
  const groups = [...document.querySelectorAll("details.group")].map((element) => ({
    element,
    status: element.dataset.status,
    wasOpen: element.open,
    rows: [...element.querySelectorAll("tbody > tr")].map((row) => ({ row, words: null })),
  }));
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
  let filtered = false;

  const apply = () => {
    const wanted = text.value.trim().toLowerCase();
    const statuses = new Set([...form.querySelectorAll("[name=status]:checked")].map((box) => box.value));
    const begins = !filtered;
    filtered = wanted !== "" || area.value !== "";
    let shown = 0;
    for (const group of groups) {
      let here = 0;
      for (const item of group.rows) {
        if (wanted && item.words === null) item.words = item.row.textContent.toLowerCase();
        const matches =
          (!area.value || item.row.dataset.area === area.value) && (!wanted || item.words.includes(wanted));
        item.row.hidden = !matches;
        if (matches) here += 1;
      }
      group.element.hidden = !statuses.has(group.status) || here === 0;
      if (!group.element.hidden) shown += here;
      if (filtered && begins) group.wasOpen = group.element.open;
      if (filtered) group.element.open = true;
      else if (!begins) group.element.open = group.wasOpen;
    }
    const all = shown === total;
    count.textContent = all ? "" : shown.toLocaleString("en") + " of " + total.toLocaleString("en") + " checks";
  };

  let due = 0;
  const soon = () => {
    clearTimeout(due);
    due = setTimeout(apply, 80);
  };
  form.hidden = false;
  form.addEventListener("input", soon);
  form.addEventListener("reset", soon);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });

  // A link to a check must show it, folded or filtered out.
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target || !target.closest("details.group")) return;
    if (target.closest("[hidden]")) {
      form.reset();
      clearTimeout(due);
      apply();
    }
    target.closest("details.group").open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("a[href^='#']")) setTimeout(reveal, 0);
  });
  reveal();

  // On paper nothing can be opened: what explains a red is, and is folded again afterwards.
  let opened = [];
  addEventListener("beforeprint", () => {
    const wanted = ".group.failed, .group.error, .group.warning, td details, footer details";
    opened = [...document.querySelectorAll(wanted)].filter((each) => !each.open && each.closest("details.group:not([open])") === null);
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
})();
