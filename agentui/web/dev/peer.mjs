// The server's end of a call's voice, for tests without a server: a page of the same browser that offers a
// PeerConnection as a node does (a sound out, whatever comes back in, a T.140 data channel).

/**
 * Opens the far end. Signals come out of onSignal(payload) and go in by signal(payload).
 * @param {import('playwright-core').BrowserContext} context
 * @param {{ tone: number, onSignal: (payload: object) => void }} options tone is in hertz
 */
export async function openPeer(context, { tone, onSignal }) {
  const page = await context.newPage();
  await page.exposeFunction('sendSignal', onSignal);
  await page.evaluate(async (frequency) => {
    const audio = new AudioContext();
    const oscillator = audio.createOscillator();
    oscillator.frequency.value = frequency;
    const out = audio.createMediaStreamDestination();
    oscillator.connect(out);
    oscillator.start();
    const peer = new RTCPeerConnection();
    peer.addTransceiver(out.stream.getAudioTracks()[0], { direction: 'sendrecv', streams: [out.stream] });
    const text = peer.createDataChannel('t140', { protocol: 't140' });
    let typed = '';
    text.onmessage = ({ data }) => (typed += data);
    peer.onicecandidate = ({ candidate }) => candidate && window.sendSignal({ candidate: candidate.toJSON() });
    const early = [];
    const heard = audio.createAnalyser();
    peer.ontrack = ({ track }) => {
      const stream = new MediaStream([track]);
      // Chromium feeds a remote stream to Web Audio only while an element plays it.
      const element = new Audio();
      element.muted = true;
      element.srcObject = stream;
      void element.play();
      audio.createMediaStreamSource(stream).connect(heard);
    };
    window.far = {
      peer,
      text,
      typed: () => typed,
      /** The loudest of what has come from the agent just now, 0–1. */
      level() {
        const samples = new Float32Array(heard.fftSize);
        heard.getFloatTimeDomainData(samples);
        return samples.reduce((max, sample) => Math.max(max, Math.abs(sample)), 0);
      },
      async signal({ sdp, candidate }) {
        if (sdp) {
          await peer.setRemoteDescription(sdp);
          for (const one of early.splice(0)) await peer.addIceCandidate(one);
        } else if (peer.remoteDescription) {
          await peer.addIceCandidate(candidate);
        } else {
          early.push(candidate);
        }
      },
    };
    await peer.setLocalDescription();
    window.sendSignal({ sdp: { type: 'offer', sdp: peer.localDescription.sdp } });
  }, tone);
  return {
    signal: (payload) => page.evaluate((one) => window.far.signal(one), payload),
    level: () => page.evaluate(() => window.far.level()),
    state: () => page.evaluate(() => window.far.peer.connectionState),
    /** The channel of real-time text: how it is, what came from the agent, and what to send. */
    textState: () => page.evaluate(() => window.far.text.readyState),
    text: () => page.evaluate(() => window.far.typed()),
    type: (characters) => page.evaluate((one) => window.far.text.send(one), characters),
    close: () => page.close(),
  };
}
