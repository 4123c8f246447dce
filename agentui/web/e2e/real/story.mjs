// The stage of the tests with real parts: each story has a server of its own, and everything is ended after it.

import { after, before, test } from 'node:test';
import { Agent, startAgentsBrowser } from './agent.mjs';
import { makeCallers } from './caller.mjs';
import { makeDirectory, makeServers } from './server.mjs';

let directory;
let browser;
let startServer;
before(async () => {
  directory = makeDirectory();
  [browser, startServer] = await Promise.all([startAgentsBrowser(directory.path), makeServers(directory.path)]);
});
after(async () => {
  await browser?.close();
  directory.remove();
});

/**
 * A test with a server, to which agents come and people call. environment is set for the server; tell gets the scene:
 * its server, agent(account) for a ready one, signedIn(account), visitor() at the sign-in form, and call(line, from).
 */
export function story(name, tell, environment = {}) {
  test(name, async () => {
    const agents = [];
    const callers = makeCallers(directory.path);
    const come = async (way, ...rest) => {
      const agent = await way(browser, scene.server.origin, ...rest);
      agents.push(agent);
      return agent;
    };
    const scene = {
      server: await startServer(environment),
      visitor: () => come(Agent.open),
      signedIn: (account) => come(Agent.signedIn, account),
      agent: async (account) => {
        const agent = await scene.signedIn(account);
        await agent.becomeReady();
        return agent;
      },
      call: (line, from) => callers.call(scene.server.lines[line], from),
    };
    try {
      await tell(scene);
      for (const agent of agents) await agent.hasNoComplaints();
    } catch (error) {
      console.error(`${name}: the server's log\n${scene.server.log}`);
      throw error;
    } finally {
      await callers.end();
      for (const context of browser.contexts()) await context.close();
      await scene.server.stop();
    }
  });
}
