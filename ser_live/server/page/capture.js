// In the browser's audio thread: the microphone's samples, mono, some 90 ms a message.
const SAMPLES = 4096;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(SAMPLES);
    this.n = 0;
  }

  process([channels]) {
    if (!channels || !channels.length) return true;
    for (let i = 0; i < channels[0].length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.block[this.n++] = sum / channels.length;
      if (this.n === SAMPLES) {
        this.port.postMessage(this.block.buffer, [this.block.buffer]);
        this.block = new Float32Array(SAMPLES);
        this.n = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
