import { expect, test } from 'vitest';
import { microphoneProblem } from './microphone';

test.each([
  ['denied', new DOMException('', 'NotAllowedError')],
  ['missing', new DOMException('', 'NotFoundError')],
  ['missing', new DOMException('', 'OverconstrainedError')],
  ['busy', new DOMException('', 'NotReadableError')],
  ['insecure', new TypeError('navigator.mediaDevices is undefined')],
])('%s', (problem, error) => expect(microphoneProblem(error)).toBe(problem));
