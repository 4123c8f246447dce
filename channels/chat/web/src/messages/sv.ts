import type { RefusalCode } from '../lib/protocol';

const refusals: Record<RefusalCode, string> = {
  unavailable: 'Det gick inte just nu. Försök igen om en stund.',
  'too-fast': 'Det gick inte just nu. Försök igen om en stund.',
  closed: 'Chatten har stängt. Du kan lämna din text här i stället.',
  'too-many': 'Det kommer för många meddelanden från ert nät just nu. Lämna din text här i stället, eller försök igen om en stund.',
  ended: 'Chatten var redan avslutad. Din text är kvar nedan.',
  invalid: 'Texten går inte att skicka. Den får ha högst 4 000 tecken.',
  'invalid-address': 'E-postadressen stämmer inte. Kontrollera den, eller lämna fältet tomt.',
};

/** The Swedish texts: the source of all keys. */
export const sv = {
  title: 'Chatt',
  close: 'Stäng',
  end: 'Avsluta chatten',
  otherLanguage: { code: 'en', name: 'In English' },
  connecting: 'Ansluter …',
  lost: 'Anslutningen är bruten. Det du skriver skickas när den är tillbaka.',
  outdated: 'Chatten har fått en ny version.',
  elsewhere: 'Chatten är öppen på ett annat ställe.',
  reload: 'Läs in igen',
  noTopic: 'Den här chatten finns inte. Kontakta oss på ett annat sätt.',
  notices: 'Driftinformation',
  intro: 'Skriv vad det gäller, så kopplar vi dig till en handläggare.',
  state: {
    waiting: 'Du står i kö. En handläggare svarar så snart som möjligt.',
    joined: 'Du chattar med en handläggare.',
    ended: 'Chatten är avslutad.',
  },
  event: {
    joined: 'En handläggare är med i chatten.',
    left: 'Handläggaren har lämnat chatten. Du står kvar i kön.',
    ended: 'Chatten avslutades.',
  },
  messages: 'Meddelanden',
  you: 'Du',
  agent: 'Service Desk',
  sending: 'skickas …',
  write: 'Skriv ett meddelande',
  send: 'Skicka',
  tooLong: (over: number): string => `Texten är ${over} tecken för lång.`,
  again: 'Starta en ny chatt',
  closed: 'Chatten är stängd.',
  opens: (when: string): string => `Chatten är stängd. Den öppnar ${when}.`,
  leave: {
    title: 'Lämna ett ärende',
    lead: 'Skriv vad det gäller, så blir det ett ärende som vi tar hand om.',
    text: 'Vad gäller det?',
    name: 'Namn (frivilligt)',
    address: 'E-post (frivilligt)',
    send: 'Lämna ärendet',
    sending: 'Skickar …',
    empty: 'Skriv först vad det gäller.',
  },
  left: (ticket: string): string => `Tack! Ditt ärende har nummer ${ticket}.`,
  leftLead: 'Spara numret. Uppge det om du kontaktar oss igen.',
  refusals,
};

export type Messages = typeof sv;
