/*
 * The widget: a button on somebody else's page, and a frame with our own when it is pressed.
 *
 *   <script src="https://svar.example/widget.js" data-topic="chat-staff" data-language="sv" async></script>
 *
 * It reads nothing of the page around but the attributes of its own tag, and leaves nothing in it but one element.
 */
(() => {
  const tag = document.currentScript;
  if (!(tag instanceof HTMLScriptElement)) return;
  const origin = new URL(tag.src).origin;
  const topic = tag.dataset['topic'] ?? '';
  const english = tag.dataset['language'] === 'en';
  const text = english
    ? { open: 'Chat with us', close: 'Close the chat', frame: 'Chat', unread: (n: number) => `${n} unread` }
    : { open: 'Chatta med oss', close: 'Stäng chatten', frame: 'Chatt', unread: (n: number) => (n === 1 ? '1 oläst' : `${n} olästa`) };

  const style = new CSSStyleSheet(); // a <style> would be subject to the page's policy
  style.replaceSync(`
:host{all:initial}
button{position:fixed;z-index:2147483647;right:16px;bottom:16px;min-height:48px;padding:0 20px;border:2px solid #fff;border-radius:24px;background:#1b5cb3;color:#fff;font:600 16px/1.2 system-ui,sans-serif;cursor:pointer;box-shadow:0 4px 16px rgb(0 0 0/30%)}
button:hover{background:#164c95}
button:focus-visible{outline:3px solid #1b5cb3;outline-offset:3px}
iframe{position:fixed;z-index:2147483646;right:16px;bottom:80px;width:380px;height:min(600px,calc(100vh - 96px));border:1px solid #7f8b99;border-radius:8px;background:#fff;box-shadow:0 4px 24px rgb(0 0 0/30%);color-scheme:light dark}
iframe[hidden]{display:none}
span{position:fixed;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media(max-width:480px),(max-height:480px){iframe{inset:0;width:100%;height:100%;z-index:2147483647;border:0;border-radius:0}}
@media(prefers-color-scheme:dark){iframe{background:#181d24}}`);

  const host = document.createElement('aside'); // a landmark, as everything on a page is in one
  host.setAttribute('aria-label', text.frame);
  const root = host.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = [style];
  const button = document.createElement('button');
  button.type = 'button';
  const heard = document.createElement('span'); // a hidden frame's messages are not read aloud
  heard.setAttribute('role', 'status');
  root.append(button, heard);

  let frame: HTMLIFrameElement | undefined;
  let loaded = false;
  let unread = 0;

  const isOpen = (): boolean => frame !== undefined && !frame.hidden;
  const label = (): void => {
    button.textContent = isOpen() ? text.close : unread > 0 ? `${text.open} (${text.unread(unread)})` : text.open;
    button.setAttribute('aria-expanded', String(isOpen()));
    heard.textContent = !isOpen() && unread > 0 ? `${text.frame}: ${text.unread(unread)}` : '';
  };
  const tell = (): void => {
    if (loaded) frame?.contentWindow?.postMessage({ svar: isOpen() ? 'opened' : 'closed' }, origin);
  };
  const open = (): void => {
    if (frame) {
      frame.hidden = false;
    } else {
      frame = document.createElement('iframe');
      frame.id = 'chat';
      frame.title = text.frame;
      frame.referrerPolicy = 'no-referrer';
      frame.addEventListener('load', () => {
        loaded = true;
        frame?.focus();
        tell();
      });
      frame.src = `${origin}/chat/?topic=${encodeURIComponent(topic)}&lang=${english ? 'en' : 'sv'}`;
      root.append(frame);
      button.setAttribute('aria-controls', frame.id);
    }
    unread = 0;
    label();
    frame.focus();
    tell();
  };
  const close = (): void => {
    if (!frame) return;
    frame.hidden = true;
    label();
    tell();
    button.focus();
  };

  button.addEventListener('click', () => (isOpen() ? close() : open()));
  addEventListener('message', (event: MessageEvent<{ svar?: unknown; count?: unknown } | null>) => {
    if (event.origin !== origin || event.source !== frame?.contentWindow) return;
    if (event.data?.svar === 'close') close();
    if (event.data?.svar === 'unread' && !isOpen()) {
      unread = Number(event.data.count) || 0;
      label();
    }
  });

  label();
  const show = (): void => void document.body.append(host);
  if (document.body) show();
  else addEventListener('DOMContentLoaded', show);
})();
