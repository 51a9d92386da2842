// The live page: a microphone in, the server's records out. It keeps nothing but what it shows.
import {
  clearDrawings, drawAffect, drawLevel, drawShares, drawSpan, drawTime, drawWhy,
} from "/page/drawing.js";
import { microphoneProblem, openMicrophone, wakeLock } from "/page/microphone.js";

const byId = (id) => document.getElementById(id);
const SPOKEN_EVERY_MS = 3000;
const MAX_KEPT = 20000;
const MAX_EARLY = 200;
const WAITS_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const STATES = {
  "too short": "Too little speech to say anything.",
  "too quiet": "Too quiet: come closer to the microphone.",
  "clipped": "Too loud for the microphone: turn it down.",
  "too noisy": "Speech hardly stands out from the noise.",
  "not speech": "A sound that is not speech.",
  "uncertain": "Heard, but no emotion is sure enough.",
};
const EVENT_TYPES = [
  "session_started", "stream_started", "state", "emotion", "gap", "drop", "mark", "note", "level",
  "affect_state", "stream_notice", "device_lost", "device_found", "source_failed", "notice",
  "stream_ended", "session_ended",
];

let kept = [];
let nLost = 0;
let capture = null; // microphone, its context, the wake lock
let socket = null;
let events = null;
let session = null; // {name, seq}: where to go on after a lost connection
let isStopping = false;
let isPaused = false;
let nTries = 0;
let nMarks = 0;
let spokenAt = 0;
let sentS = 0;
let early = []; // sound from before the first session began, so that no first word is lost

const say = (text) => { byId("status").textContent = text; };
const note = (text) => {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
};

function speak(text) {
  if (Date.now() - spokenAt < SPOKEN_EVERY_MS) return;
  spokenAt = Date.now();
  byId("spoken").textContent = text;
}

// -- what comes from the server

function take(record) {
  if (record.type !== "level" && record.type !== "heard") {
    kept.push(record);
    if (kept.length > MAX_KEPT) { kept.shift(); nLost += 1; }
    byId("save").disabled = byId("report").disabled = false;
  }
  if (session && record.session === session.name) session.seq = record.seq;
  const taker = TAKERS[record.type];
  if (taker && !(isPaused && events)) taker(record);
}

const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;

function takeResult(result) {
  const isFinal = result.kind === "final";
  const named = result.emotion;
  byId("emotion").textContent = named ?? (result.state === "uncertain" ? "uncertain" : "–");
  byId("emotion").dataset.emotion = named ?? "";
  const percent = result.confidence === null ? "" : `${Math.round(100 * result.confidence)} % sure`;
  const words = named ? `${percent}${isFinal ? "" : ", still speaking"}` : STATES[result.state];
  byId("detail").textContent = words ?? result.state;
  drawShares(result.probabilities);
  drawAffect(result.valence, result.arousal);
  if (!isFinal) return;
  drawWhy(result.reasons);
  const text = named ? `${named}, ${percent}` : words;
  drawSpan(result.start_s, result.end_s, named ?? "", text);
  tell(`${clock(result.start_s)}–${clock(result.end_s)}  ${text}`);
  speak(text);
}

function tell(text) {
  const item = document.createElement("li");
  item.textContent = text;
  byId("told").prepend(item);
  while (byId("told").children.length > 200) byId("told").lastChild.remove();
}

const TAKERS = {
  session_started(record) {
    if (socket) session = { name: record.session, seq: record.seq };
    say(`Listening, with the model ${record.model}.`);
    byId("told-to").textContent = record.told_to?.length
      ? `The server tells other programs what is heard: ${record.told_to.join(", ")}.` : "";
    nTries = 0;
  },
  session_resumed() { say("Listening again; what was missed is a gap."); nTries = 0; },
  stream_started() {
    if (!socket || !early) return;
    const waiting = early;
    early = null;
    sentS = 0;
    waiting.forEach(send);
  },
  state(record) {
    if (record.state === "no signal") note(record.message || "Only silence arrives.");
    else note(capture?.notice ?? "");
    if (record.state === "listening") byId("detail").textContent = "Listening to speech …";
  },
  level(record) { drawLevel(record); drawTime(record.end_s); },
  emotion: takeResult,
  affect_state(record) {
    const sure = Math.round(100 * record.certainty);
    byId("running").textContent = record.label === "unknown"
      ? "Running emotion: unknown" : `Running emotion: ${record.label} (${sure} % certain)`;
  },
  heard(record) {
    const lagS = Math.max(0, sentS - record.end_s);
    byId("lag").textContent = lagS > 1
      ? `${lagS.toFixed(1)} s behind: the machine is busy.` : "Up to the moment.";
  },
  gap(record) { tell(`${clock(record.start_s)}  ${record.duration_s.toFixed(1)} s missing (${record.cause})`); },
  drop(record) { // one in progress is followed by its final result
    if (record.kind === "final") tell(`${clock(record.start_s)}  not analyzed: the machine is busy`);
  },
  mark(record) { tell(`${clock(record.start_s)}  mark: ${record.label}`); },
  note(record) {
    const rated = record.rating === null ? "" : ` (${record.rating} of 5)`;
    tell(`${clock(record.start_s)}  note${rated}: ${record.text}`);
  },
  stream_notice(record) { note(record.message); },
  notice(record) { note(record.message); },
  source_failed(record) { note(record.message); },
  device_lost(record) { note(record.message); },
  device_found() { note(""); },
  warning(record) { note(record.message); },
  error(record) {
    note(record.message);
    if (record.fatal) { session = null; isStopping = isStopping || !record.retryable; }
  },
  session_ended() { isStopping = true; },
};

// -- this browser's microphone

function takeSound(data) {
  if (isPaused) return;
  if (early) {
    if (early.length < MAX_EARLY) early.push(data);
  } else if (capture && session && socket?.readyState === WebSocket.OPEN) {
    send(data);
  }
}

function loseMicrophone() {
  note("The microphone is gone: plug it in and start again.");
  stop();
}

function send(data) {
  socket.send(data);
  sentS += data.byteLength / 4 / capture.context.sampleRate;
}

async function listDevices() {
  const found = await navigator.mediaDevices.enumerateDevices();
  const inputs = found.filter((device) => device.kind === "audioinput" && device.deviceId);
  const chosen = byId("device").value;
  byId("device").replaceChildren(new Option("the default one", ""), ...inputs.map((device) => new Option(device.label, device.deviceId)));
  byId("device").value = chosen;
  document.querySelector(".device").hidden = inputs.length < 2;
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/v1/stream`, "ser-live.v1");
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    const start = {
      type: "start", sample_rate: capture.context.sampleRate, channels: 1, encoding: "f32le",
      source: clean(capture.label, "microphone"), results: "all", state: true, overrun: "gap",
    };
    if (session) start.resume = { session: session.name, seq: session.seq };
    socket.send(JSON.stringify(start));
  };
  socket.onmessage = ({ data }) => take(JSON.parse(data));
  socket.onclose = () => {
    socket = null;
    if (isStopping || !capture) { finish(); return; }
    const waitMs = WAITS_MS[Math.min(nTries++, WAITS_MS.length - 1)];
    say(`The connection was lost; the next try is in ${waitMs / 1000} s.`);
    setTimeout(() => { if (capture && !isStopping) connect(); else finish(); }, waitMs);
  };
}

const clean = (text, otherwise) => text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, " ").slice(0, 200) || otherwise;

// -- the server's microphone

function listenToServer() {
  events = new EventSource("/v1/events?after=0");
  events.onopen = () => say("Listening to the server’s microphone.");
  events.onerror = () => say("The connection was lost; the browser tries again.");
  for (const type of EVENT_TYPES) {
    events.addEventListener(type, ({ data }) => take(JSON.parse(data)));
  }
  isStopping = false;
}

// -- controls

const isOn = () => Boolean(capture || events);

function showControls() {
  byId("start").textContent = isOn() ? "Stop" : "Start";
  byId("pause").disabled = !isOn();
  for (const id of ["mark", "note", "rating", "add"]) byId(id).disabled = !isOn();
  byId("pause").textContent = isPaused ? "Go on" : "Pause";
  byId("pause").setAttribute("aria-pressed", isPaused);
  byId("source").disabled = isOn();
  document.body.classList.toggle("on", isOn());
}

async function start() {
  note("");
  clearDrawings();
  kept = [];
  early = [];
  nLost = nMarks = nTries = 0;
  isStopping = isPaused = false;
  session = null;
  if (document.querySelector("[name=source]:checked").value === "server") {
    listenToServer();
  } else {
    if (!navigator.mediaDevices) {
      note("The browser gives the microphone only to pages on this machine or by https: use one.");
      return;
    }
    say("Asking for the microphone …");
    try {
      capture = await openMicrophone(byId("device").value, takeSound, loseMicrophone);
    } catch (error) {
      say("Not listening.");
      note(microphoneProblem(error));
      return;
    }
    note(capture.notice);
    await listDevices();
    connect();
  }
  showControls();
}

function stop() {
  isStopping = true;
  if (events) { events.close(); events = null; finish(); return; }
  if (socket && socket.readyState === WebSocket.OPEN && session) {
    socket.send('{"type":"end"}');
    say("Reporting the last of it …");
  } else {
    socket?.close();
    finish();
  }
  release();
}

function release() {
  capture?.stream.getTracks().forEach((track) => { track.onended = null; track.stop(); });
  capture?.context.close();
  capture?.lock?.release();
  capture = null;
  showControls();
}

function finish() {
  release();
  drawLevel(null);
  byId("lag").textContent = "";
  say("Not listening.");
  showControls();
}

function pause() {
  isPaused = !isPaused;
  if (socket?.readyState === WebSocket.OPEN && session) {
    socket.send(JSON.stringify({ type: isPaused ? "pause" : "resume" }));
  }
  say(isPaused ? "Paused." : "Listening.");
  if (isPaused) drawLevel(null);
  showControls();
}

async function ask(message) {
  const body = JSON.stringify(message);
  if (!events) {
    const isOpen = session && socket?.readyState === WebSocket.OPEN;
    if (isOpen) socket.send(body);
    else note("The connection is lost at present: nothing was noted, try again.");
    return isOpen;
  }
  try {
    const answer = await fetch("/v1/events", { method: "POST", body });
    if (!answer.ok) note((await answer.json()).detail);
    return answer.ok;
  } catch {
    note("The server does not answer: nothing was noted, try again.");
    return false;
  }
}

async function mark() {
  if (await ask({ type: "mark", label: `mark ${nMarks + 1}` })) nMarks += 1;
}

async function addNote(event) {
  event.preventDefault();
  const text = clean(byId("note").value.trim(), "");
  if (!text) return;
  const rating = byId("rating").value ? Number(byId("rating").value) : null;
  if (await ask({ type: "note", text, rating })) byId("note").value = byId("rating").value = "";
}

async function report() {
  const tab = window.open("", "_blank"); // before anything is waited for, or it is blocked
  const told = kept.filter(({ type, kind }) => type !== "affect_state" && kind !== "partial");
  let problem = "the server does not answer";
  try {
    const language = navigator.language.startsWith("de") ? "de" : "en";
    const body = told.map((record) => JSON.stringify(record)).join("\n");
    const answer = await fetch(`/v1/report?language=${language}`, { method: "POST", body });
    const made = await answer.json();
    if (answer.ok && tab) { tab.location = made.report; return; }
    problem = answer.ok ? "the browser opens no new tab: allow it for this page" : made.detail;
  } catch { /* told below */ }
  tab?.close();
  note(`No report: ${problem}`);
}

function save() {
  const lines = kept.map((record) => JSON.stringify(record)).join("\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines, "\n"], { type: "application/x-ndjson" }));
  link.download = `ser-live-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  if (nLost) note(`The first ${nLost} records were not kept: save earlier next time.`);
}

byId("host").textContent = location.host;
byId("start").onclick = () => (isOn() ? stop() : start());
byId("pause").onclick = pause;
byId("mark").onclick = mark;
byId("save").onclick = save;
byId("report").onclick = report;
byId("noting").onsubmit = addNote;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("select, #note")) return;
  if (event.key.toLowerCase() === "n" && isOn()) {
    event.preventDefault();
    byId("note").focus();
  }
  const button = { s: "start", p: "pause", m: "mark" }[event.key.toLowerCase()];
  if (button && !byId(button).disabled) byId(button).click();
});
document.addEventListener("visibilitychange", async () => {
  if (document.visibilityState === "visible" && capture && !capture.lock) capture.lock = await wakeLock();
});
setInterval(() => {
  // A session that is paused says that somebody is still there.
  if (isPaused && socket?.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
}, 20000);

const answer = await fetch("/v1/sessions?limit=0");
if (answer.ok && (await answer.json()).has_microphone) {
  document.querySelector("[value=server]").disabled = false;
}
