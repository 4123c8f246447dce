// A wire between a browser and the server, that can be cut.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Lays a wire to the server at this origin. */
export async function layWire(target) {
  const { hostname, port } = new URL(target);
  const ends = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on('error', () => {}); // it closes next
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://${hostname}:${server.address().port}`,
    /** Cuts whatever goes through it, and lets nothing through until it is mended. */
    cut() {
      whole = false;
      for (const end of ends) end.destroy();
    },
    mend() {
      whole = true;
    },
    async close() {
      this.cut();
      server.close();
      await once(server, 'close');
    },
  };
}
