// A site of the city's, on an origin of its own, with the chat's widget on its page.

import { once } from 'node:events';
import { createServer } from 'node:http';

const page = (from, topic, language) => `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ekbackens skola</title>
<link rel="icon" href="data:,">
<style>body { background: Canvas }</style>
</head>
<body>
<header><h1>Ekbackens skola</h1></header>
<main><p>Välkommen till oss.</p><p><a href="#top">Kontakta skolan</a></p></main>
<script src="${from}/widget.js" data-topic="${topic}" data-language="${language}" async></script>
</body>
</html>
`;

/** Starts the site. Its name is another one than the server's, so that browsers take it for a stranger. */
export async function startSite() {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost');
    const [from, topic, language] = ['from', 'topic', 'language'].map((name) => searchParams.get(name));
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(page(from, topic, language));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref(); // a stage that could not be opened does not wait for it
  const origin = `http://localhost:${server.address().port}`;
  return {
    origin,
    /** The address of the page that has the widget of the server at this origin. */
    page: (from, topic, language) => `${origin}/?${new URLSearchParams({ from, topic, language })}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
