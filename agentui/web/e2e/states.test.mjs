// Each state of the console but those of the telephone, which phone-states.test.mjs goes through: two files share two cores.

import { phoneStates } from '../dev/phone-states.mjs';
import { everyState } from '../dev/states.mjs';
import { testEach } from './eachstate.mjs';

testEach(everyState.filter((state) => !(state in phoneStates)));
