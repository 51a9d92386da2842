// A client without libraries: sends a wav over the server's WebSocket and prints every record.
import { readFileSync } from "node:fs";

const { url, token, wav } = JSON.parse(readFileSync(0, "utf8"));
const file = readFileSync(wav);
const rate = file.readUInt32LE(24);
const sound = file.subarray(file.indexOf("data") + 8);
const socket = new WebSocket(url, ["ser-live.v1", `bearer.${token}`]);

socket.onopen = () => {
  socket.send(JSON.stringify({ type: "start", sample_rate: rate, channels: file.readUInt16LE(22) }));
  for (let i = 0; i < sound.length; i += 6000) socket.send(sound.subarray(i, i + 6000));
  socket.send(JSON.stringify({ type: "end" }));
};
socket.onmessage = (message) => console.log(message.data);
socket.onclose = (end) => process.exit(end.code === 1000 ? 0 : 1);
