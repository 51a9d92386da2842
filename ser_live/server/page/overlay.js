// The page for streaming software: the running emotion of the server's microphone, and no more.
const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const shown = (query.get("show") ?? "emotion,certainty").split(",");
byId("label").hidden = !shown.includes("emotion");
byId("certainty").hidden = !shown.includes("certainty");
document.body.dataset.align = query.get("align") ?? "center";

function tell(text) {
  byId("label").textContent = text;
  byId("label").className = "small";
  byId("label").hidden = false;
  byId("overlay").className = "";
}

function show({ label, certainty }) {
  byId("overlay").className = label === "unknown" ? "unknown" : "";
  if (label === "unknown") return; // the last word fades out
  byId("label").className = "";
  byId("label").textContent = label;
  byId("label").dataset.emotion = label;
  byId("label").hidden = !shown.includes("emotion");
  byId("certainty").setAttribute("aria-valuenow", Math.round(100 * certainty));
  byId("certainty").firstElementChild.style.transform = `scaleX(${certainty})`;
}

// The token leaves the address at once; the browser keeps a cookie that reads this and no more.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search);
if (token) {
  await fetch("/overlay", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
}

function listen() {
  const events = new EventSource("/v1/events?after=0");
  events.addEventListener("affect_state", ({ data }) => show(JSON.parse(data)));
  events.onerror = () => {
    byId("overlay").className = "unknown";
    if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    setTimeout(listen, 5000);
    fetch("/v1/events", { method: "HEAD" }).then(({ status }) => {
      if (status === 401) tell("ser-live: this address is used up, take a new one from ser-live serve --overlay");
      if (status === 404) tell("ser-live: the server hears no microphone");
    }, () => {});
  };
}
listen();
