// Debian's Firefox, where some desks work: a call from its first ring to its end, with tones both ways.

import { firefoxTone } from '../dev/firefox.mjs';
import { callerTone } from './real/caller.mjs';
import { story } from './real/story.mjs';

story('a call in Firefox', async ({ agentInFirefox, call }) => {
  const anna = await agentInFirefox('anna');
  const caller = await call('staff');
  await anna.answer();
  await Promise.all([caller.hearsTone(firefoxTone, 1), anna.hearsTone(callerTone)]);
  await anna.page.keyboard.press('Shift+F2');
  await caller.wasEnded();
  await anna.finish();
});
