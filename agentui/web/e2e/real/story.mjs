// Stories are tests that are played on the stage with real parts.

import { after, before, test } from 'node:test';
import { openStage } from './stage.mjs';

let stage;
before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

/** A test on the stage; environment is set for its server. See openStage for what tell gets. */
export function story(name, tell, environment = {}) {
  test(name, () => stage.play(tell, environment));
}
