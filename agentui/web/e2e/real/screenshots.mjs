// Takes the README's pictures, from a real server with real calls, chats and reports: node e2e/real/screenshots.mjs FOLDER

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takePicture } from '../../dev/picture.mjs';
import { openStage } from './stage.mjs';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name the folder that the pictures are written to.');
await mkdir(folder, { recursive: true });

const stage = await openStage();
try {
  await stage.play(async ({ agent, signedIn, call, chatter, user }) => {
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
    await anna.page.getByRole('button', { name: 'Nej tack' }).click(); // no notifications for who is only here for pictures
    await anna.handled(1);
    const take = async (name, { page } = anna) => {
      await page.mouse.move(0, 0);
      await takePicture(page, join(folder, `${name}.png`));
    };
    await take('empty');

    const eva = await signedIn('eva');
    await eva.page.getByRole('link', { name: 'Driftmeddelanden', exact: true }).click();
    await eva.page.getByLabel('Text på svenska').fill('Skolplattformen är långsam. Vi arbetar med felet.');
    await eva.page.getByRole('checkbox', { name: 'Skolplattformen' }).check();
    await eva.page.getByRole('button', { name: 'Publicera driftmeddelande' }).click();
    await anna.page.getByRole('status').getByText('Skolplattformen är långsam.').waitFor();

    await call('staff');
    await anna.card.waitFor();
    const karin = await user();
    await take('portal', karin);
    await karin.report('Skrivaren i personalrummet skriver inte ut');
    await call('staff', 'sip:+46701740607@127.0.0.1');
    const visitor = await chatter('chat-staff');
    await visitor.openChat();
    await visitor.write('Hej! Jag kommer inte in i lärplattformen.');
    await anna.waiting(4);
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

    await anna.finishAs('Löst');
    await anna.answer(); // the other caller has waited longest
    await anna.page.keyboard.press('Shift+F2');
    await anna.finishAs('Löst');
    await anna.takeChat();
    await anna.write('Hej! Vilken skola gäller det?');
    await visitor.reads('Hej! Vilken skola gäller det?');
    await visitor.write('Ekbackens skola. Jag började där i augusti.');
    await anna.reads('Ekbackens skola. Jag började där i augusti.');
    await visitor.sent();
    const second = await chatter('chat-platform');
    await second.openChat();
    await second.write('Var ser jag frånvaron?');
    await anna.card.waitFor();
    await take('chat');
    await take('widget', visitor);
  });
} finally {
  await stage.close();
}
