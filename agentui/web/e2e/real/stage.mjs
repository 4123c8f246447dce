// The stage with real parts: a browser, and for each scene a server to which agents come and people call.

import { Agent, startAgentsBrowser } from './agent.mjs';
import { makeCallers } from './caller.mjs';
import { makeDirectory, makeServers } from './server.mjs';

/** Starts what the scenes share. */
export async function openStage() {
  const directory = makeDirectory();
  const startServer = await makeServers(directory);
  const browser = await startAgentsBrowser(directory);
  return {
    play: async (tell, environment) => play(tell, { directory, browser, server: await startServer(environment) }),
    close: () => browser.close(),
  };
}

/**
 * Plays a scene and ends everything after it. tell gets its server, agent(account) for a ready one, signedIn(account),
 * visitor() at the sign-in form, and call(line, from).
 */
async function play(tell, { directory, browser, server }) {
  const agents = [];
  const callers = makeCallers(directory);
  const come = async (way, account) => {
    const agent = await way(browser, scene.server.origin, account);
    agents.push(agent);
    return agent;
  };
  const scene = {
    server,
    visitor: () => come(Agent.open),
    signedIn: (account) => come(Agent.signedIn, account),
    async agent(account) {
      const agent = await scene.signedIn(account);
      await agent.becomeReady();
      return agent;
    },
    call: (line, from) => callers.call(scene.server.lines[line], from),
  };
  let failure;
  try {
    await tell(scene);
    for (const agent of agents) await agent.hasNoComplaints();
  } catch (error) {
    failure = error;
    console.error(`The server's log:\n${scene.server.log}`);
    for (const agent of agents) console.error(`A console shows:\n${await agent.text()}\n`);
  }
  // The first failure is the one to tell; what is ended after it may well complain too.
  try {
    await callers.end();
    for (const context of browser.contexts()) await context.close();
    await scene.server.stop();
  } catch (error) {
    failure ??= error;
  }
  if (failure) throw failure;
}
