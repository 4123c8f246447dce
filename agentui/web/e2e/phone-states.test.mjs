// Each state of the telephone, as states.test.mjs goes through the others.

import { phoneStates } from '../dev/phone-states.mjs';
import { testEach } from './eachstate.mjs';

testEach(Object.keys(phoneStates));
