/** Why there is no microphone; the catalogue has words for each. */
export type MicrophoneProblem = 'denied' | 'missing' | 'busy' | 'insecure';

/** Tells from what getUserMedia threw (Media Capture and Streams §10.2) what the agent can do about it. */
export function microphoneProblem(error: unknown): MicrophoneProblem {
  // The interface itself is missing outside secure contexts.
  if (!(error instanceof DOMException)) return 'insecure';
  switch (error.name) {
    case 'InsecureContext':
      return 'insecure';
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'missing';
  }
}
