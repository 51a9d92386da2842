// A client without libraries: node client.mjs http://127.0.0.1:8765 TOKEN talk.wav
// Node 22 or newer has WebSockets; Node 20 has them with --experimental-websocket.
// Sends a 16-bit wav to `ser-live serve` and prints each utterance when it is over.
import { readFileSync } from "node:fs";

const [address, token, path] = process.argv.slice(2);
const file = readFileSync(path);
const start = file.indexOf("fmt ") + 8;
const sound = file.subarray(file.indexOf("data", start) + 8);
const url = address.replace(/^http/, "ws").replace(/\/$/, "") + "/v1/stream";
const socket = new WebSocket(url, ["ser-live.v1", `bearer.${token}`]);

socket.onopen = () => {
  const channels = file.readUInt16LE(start + 2), sample_rate = file.readUInt32LE(start + 4);
  socket.send(JSON.stringify({ type: "start", sample_rate, channels, results: "final" }));
  const size = 4096 * channels * 2;
  for (let at = 0; at < sound.length; at += size) socket.send(sound.subarray(at, at + size));
  socket.send(JSON.stringify({ type: "end" }));
};
socket.onmessage = ({ data }) => {
  const record = JSON.parse(data);
  if (record.type === "emotion") console.log(`${record.start_s} s: ${record.emotion ?? record.state}`);
};
socket.onclose = ({ code, reason }) => {
  if (code !== 1000) console.error(`closed with ${code} ${reason}`);
  process.exit(code === 1000 ? 0 : 1);
};
