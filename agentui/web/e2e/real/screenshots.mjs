// Takes the README's pictures of the console, from a real server with real calls: node e2e/real/screenshots.mjs FOLDER

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openStage } from './stage.mjs';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name the folder that the pictures are written to.');
await mkdir(folder, { recursive: true });

const stage = await openStage();
try {
  await stage.play(async ({ agent, signedIn, call }) => {
    // A colleague in a call, and a call behind her: a desk as it is in the morning.
    const bo = await agent('bo');
    await call('pupils', 'sip:+46701740691@127.0.0.1');
    await bo.answer();
    const anna = await signedIn('anna');
    await call('staff', 'sip:+46846500401@127.0.0.1');
    await anna.waiting(1);
    await anna.page.keyboard.press('r');
    await anna.answer();
    await anna.page.keyboard.press('Shift+F2');
    await anna.finish();
    await anna.page.getByText(/^Senaste kontakt/).waitFor();
    await anna.handled(1);
    const take = async (name) => {
      await anna.page.mouse.move(0, 0);
      await anna.page.screenshot({ path: join(folder, `${name}.png`), caret: 'hide' });
    };
    await take('empty');

    await call('staff');
    await anna.card.waitFor();
    await call('pupils', 'sip:+46701740690@127.0.0.1');
    await call('staff', 'sip:+46701740607@127.0.0.1');
    await anna.waiting(3);
    await take('ringing');

    await anna.answer();
    await anna.page.getByText('Bra ljud').waitFor();
    await anna.page.getByLabel('Anteckning').fill('Kan inte logga in i lärplattformen sedan lösenordet byttes i går.');
    await anna.page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
    await take('in-call');

    await anna.page.keyboard.press('Shift+F2');
    await anna.shows('Efterarbete');
    await anna.page.getByRole('radio', { name: 'Löst' }).check();
    await anna.page.getByText(/^Sparad \d\d:\d\d$/).waitFor();
    await take('wrap-up');
  });
} finally {
  await stage.close();
}
