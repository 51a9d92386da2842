// This browser's microphone as it is: no filter, its own rate.
const PROCESSING = {
  echoCancellation: "echo cancellation", noiseSuppression: "noise suppression",
  autoGainControl: "automatic gain",
};

export function microphoneProblem(error) {
  switch (error.name) {
    case "NotAllowedError": return "The microphone was refused: allow it for this page and start again.";
    case "NotFoundError": return "No microphone was found: plug one in and start again.";
    case "NotReadableError": return "The microphone is in use by another program: close that and start again.";
    case "OverconstrainedError": return "That microphone is gone: choose another one.";
    default: return `The microphone cannot be opened (${error.name}): check it and start again.`;
  }
}

export async function openMicrophone(device, onSound, onGone) {
  const audio = { channelCount: 1 };
  for (const name of Object.keys(PROCESSING)) audio[name] = false;
  if (device) audio.deviceId = { exact: device };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const [track] = stream.getAudioTracks();
  const settings = track.getSettings();
  const left = Object.keys(PROCESSING).filter((name) => settings[name] === true);
  const notice = left.length
    ? `The browser keeps ${left.map((name) => PROCESSING[name]).join(" and ")} on, which flattens `
      + "the voice: results are less sure. Turn it off in the system’s or browser’s settings."
    : "";
  const context = new AudioContext(); // at the microphone's own rate: the server resamples better
  await context.audioWorklet.addModule("/page/capture.js");
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  context.createMediaStreamSource(stream).connect(node);
  node.port.onmessage = ({ data }) => onSound(data);
  track.onended = onGone;
  return { stream, context, label: track.label || "microphone", notice, lock: await wakeLock() };
}

export async function wakeLock() {
  try { return await navigator.wakeLock.request("screen"); } catch { return null; }
}
