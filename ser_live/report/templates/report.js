"use strict";
// The page is complete without this: it only adds a filter, a closer look and a line that reads
// what the pointer rests on.
(function () {
  for (const part of document.querySelectorAll(".script")) part.hidden = false;
  const lanes = [...document.querySelectorAll(".lanes")];
  const filters = [...document.querySelectorAll("[data-filter]")];
  for (const button of filters) {
    button.addEventListener("click", () => {
      const wanted = button.dataset.filter;
      for (const other of filters) other.setAttribute("aria-pressed", String(other === button));
      for (const lane of lanes) {
        lane.classList.toggle("dim", wanted !== "all" && !lane.classList.contains(wanted));
      }
    });
  }
  let zoom = 1;
  const scrolls = [...document.querySelectorAll(".lanes-scroll")];
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const before = zoom;
      zoom = Math.min(16, Math.max(1, button.dataset.zoom === "in" ? zoom * 2 : zoom / 2));
      for (const scroll of scrolls) {
        const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / before;
        scroll.querySelector("svg").setAttribute("width", zoom * 100 + "%");
        scroll.classList.toggle("zoomed", zoom > 2);
        scroll.scrollLeft = middle * zoom - scroll.clientWidth / 2;
      }
    });
  }
  // Streams side by side stay side by side while one of them is scrolled.
  for (const scroll of scrolls) {
    scroll.addEventListener("scroll", () => {
      for (const other of scrolls) if (other !== scroll) other.scrollLeft = scroll.scrollLeft;
    });
  }
  const readout = document.querySelector(".readout");
  for (const figure of document.querySelectorAll(".timelines")) {
    figure.addEventListener("pointerover", (event) => {
      const title = event.target.querySelector && event.target.querySelector(":scope > title");
      const isBar = title && event.target.tagName === "rect";
      readout.textContent = isBar ? title.textContent : readout.dataset.hint;
    });
  }
})();
