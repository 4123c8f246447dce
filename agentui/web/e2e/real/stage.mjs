// The stage with real parts: a browser, and for each scene a server to which agents come and people call.

import { startFirefox } from '../../dev/firefox.mjs';
import { Agent, noUDP, startAgentsBrowser } from './agent.mjs';
import { makeCallers } from './caller.mjs';
import { makeDirectory, makeServers } from './server.mjs';
import { startSite } from './site.mjs';
import { User } from './user.mjs';
import { Visitor } from './visitor.mjs';
import { layWire } from './wire.mjs';

/** Starts what the scenes share. */
export async function openStage() {
  const directory = makeDirectory();
  const site = await startSite();
  const startServer = await makeServers(directory, site.origin);
  const browser = await startAgentsBrowser(directory);
  let firefox, withoutUDP;
  const parts = {
    directory,
    site,
    browser,
    startedFirefox: () => (firefox ??= startFirefox()),
    startedWithoutUDP: () => (withoutUDP ??= startAgentsBrowser(directory, [noUDP])),
  };
  return {
    play: async (tell, environment) => play(tell, { ...parts, server: await startServer(environment) }),
    async close() {
      await browser.close();
      await (await firefox)?.close();
      await (await withoutUDP)?.close();
      await site.close();
    },
  };
}

/**
 * Plays a scene and ends everything after it. tell gets its server, agent(account) for a ready one, signedIn(account),
 * visitor() at the sign-in form, and call(line, from). agentInFirefox(account) and
 * agentWithoutUDP(account) are ready ones in other browsers; wiredAgent(account) has a wire that can be cut. chatter(topic) is at a page with the widget,
 * and her wire can be cut; user() is at the portal's start page without scripts,
 * portalChatter() with them.
 */
async function play(tell, { directory, site, browser, startedFirefox, startedWithoutUDP, server }) {
  const people = [];
  const browsers = new Set([browser]);
  const wires = [];
  const callers = makeCallers(directory);
  const come = async (way, account) => {
    const person = await way(browser, scene.server.origin, account);
    people.push(person);
    return person;
  };
  const readyIn = async (other, account) => {
    browsers.add(other);
    const agent = await Agent.signedIn(other, scene.server.origin, account);
    people.push(agent);
    await agent.becomeReady();
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
    agentInFirefox: async (account) => readyIn(await startedFirefox(), account),
    agentWithoutUDP: async (account) => readyIn(await startedWithoutUDP(), account),
    async wiredAgent(account) {
      const wire = await layWire(scene.server.origin);
      wires.push(wire);
      const agent = await Agent.signedIn(browser, wire.origin, account);
      agent.wire = wire;
      people.push(agent);
      await agent.becomeReady();
      return agent;
    },
    user: () => come(User.open),
    async chatter(topic, { language = 'sv' } = {}) {
      const wire = await layWire(scene.server.origin);
      wires.push(wire);
      const chatter = await Visitor.open(browser, site.page(wire.origin, topic, language), { language });
      chatter.wire = wire;
      people.push(chatter);
      return chatter;
    },
    portalChatter: () => come((_, origin) => Visitor.open(browser, `${origin}/`)),
    call: (line, from) => callers.call(scene.server.lines[line], from),
  };
  let failure;
  try {
    await tell(scene);
    for (const person of people) await person.hasNoComplaints();
  } catch (error) {
    failure = error;
    console.error(`The server's log:\n${scene.server.log}`);
    for (const person of people) console.error(`Somebody's page shows:\n${await person.text()}\n`);
  }
  // The first failure is the one to tell; what is ended after it may well complain too.
  try {
    await callers.end();
    for (const one of browsers) for (const context of one.contexts()) await context.close();
    for (const wire of wires) await wire.close();
    await scene.server.stop();
  } catch (error) {
    failure ??= error;
  }
  if (failure) throw failure;
}
