// Everything that is drawn; no value is computed here that the server did not send.
const SVG = "http://www.w3.org/2000/svg";
const LONGEST_S = 3600;
const TRAIL = 24;
const byId = (id) => document.getElementById(id);

function shape(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

const plane = byId("plane");
shape("line", { class: "axis", x1: -1, y1: 0, x2: 1, y2: 0 }, plane);
shape("line", { class: "axis", x1: 0, y1: -1, x2: 0, y2: 1 }, plane);
shape("circle", { class: "axis", r: 1, fill: "none" }, plane);
shape("text", { x: 0, y: -1.08 }, plane, "excited");
shape("text", { x: 0, y: 1.18 }, plane, "sleepy");
shape("text", { class: "end", x: 0.96, y: -0.05 }, plane, "pleasant");
shape("text", { class: "begin", x: -0.96, y: -0.05 }, plane, "unpleasant");
const trail = shape("polyline", { class: "trail", points: "" }, plane);
const point = shape("circle", { class: "point", r: 0.07, visibility: "hidden" }, plane);
let passed = [];

export function drawAffect(valence, arousal) {
  if (valence === null || arousal === null) return;
  passed = [...passed.slice(1 - TRAIL), `${valence},${-arousal}`];
  trail.setAttribute("points", passed.join(" "));
  point.setAttribute("cx", valence);
  point.setAttribute("cy", -arousal);
  point.setAttribute("visibility", "visible");
  const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);
  byId("plane-text").textContent = `Valence ${signed(valence)}, arousal ${signed(arousal)}.`;
}

export function drawShares(probabilities) {
  const list = byId("shares");
  if (!probabilities) return;
  const names = Object.keys(probabilities);
  const best = names.reduce((a, b) => (probabilities[b] > probabilities[a] ? b : a));
  byId("no-shares").hidden = true;
  if (list.children.length !== 3 * names.length) {
    list.replaceChildren();
    for (const name of names) {
      const term = document.createElement("dt");
      term.textContent = name;
      const bar = document.createElement("dd");
      bar.dataset.emotion = name;
      const meter = document.createElement("meter");
      meter.setAttribute("aria-label", name);
      bar.append(meter);
      list.append(term, bar, document.createElement("dd"));
    }
  }
  names.forEach((name, i) => {
    const share = probabilities[name];
    list.children[3 * i + 1].firstChild.value = share;
    list.children[3 * i + 2].textContent = `${Math.round(100 * share)} %`;
    for (const n of [0, 1, 2]) list.children[3 * i + n].classList.toggle("best", name === best);
  });
}

export function drawLevel(level) {
  const meter = byId("level");
  const db = level === null ? -70 : Math.max(-70, Math.min(0, level.rms_dbfs ?? -70));
  meter.firstElementChild.style.transform = `scaleX(${(db + 70) / 70})`;
  meter.setAttribute("aria-valuenow", Math.round(db));
  meter.classList.toggle("speech", Boolean(level && level.is_speech));
  byId("level-text").textContent = level === null ? "– dB" : `${Math.round(db)} dB`;
}

export function drawWhy(reasons) {
  const texts = reasons.length ? reasons.map((reason) => reason.text) : ["Nothing stands out."];
  byId("why").replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

const minutes = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const line = byId("line");
const range = byId("range");
range.onchange = () => redrawLine();
let spans = [];
let nowS = 0;

export function clearDrawings() {
  passed = [];
  spans = [];
  nowS = 0;
  trail.setAttribute("points", "");
  point.setAttribute("visibility", "hidden");
  byId("told").replaceChildren();
  redrawLine();
}

export function drawTime(timeS) {
  if (timeS - nowS < range.value / 480) return; // about a point of the drawing
  nowS = timeS;
  redrawLine();
}

export function drawSpan(startS, endS, label, title) {
  spans = spans.filter((span) => span.endS > endS - LONGEST_S);
  spans.push({ startS, endS, label, title });
  nowS = Math.max(nowS, endS);
  redrawLine();
}

function redrawLine() {
  const begin = Math.max(0, nowS - range.value);
  const x = (s) => ((s - begin) / range.value) * 1200;
  line.replaceChildren();
  byId("line-begin").textContent = minutes(begin);
  byId("line-end").textContent = minutes(begin + Number(range.value));
  for (const span of spans) {
    if (span.endS < begin) continue;
    const width = Math.max(2, x(span.endS) - x(span.startS));
    const box = { x: x(span.startS), y: 8, width, height: 44, rx: 3, "data-emotion": span.label };
    shape("title", {}, shape("rect", box, line), span.title);
  }
}
