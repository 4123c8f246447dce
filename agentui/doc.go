// Package agentui is what agents, supervisors and administrators meet: the console with
// its socket, sign-in, and the HTTP API.
//
// It speaks to the queue only over the bus. The [Board] mirrors what the dispatcher
// publishes; a console is sent whole states made from it and asks for things by commands,
// so that what is shown is always the server's word. What an agent does with a call is asked of
// the node that has the caller, which needs no dispatcher for it, and the voice of a call lives
// in one of the agent's windows, which keep their ids over a reload. Whatever else it reads and writes
// (accounts, people, notes, chats, tickets, outage messages, figures) goes through small
// interfaces of its own.
//
// People are shown as far as the account that looks may see them: whoever is outside the
// group that may open protected people finds nothing of one on any surface, and each look at
// a person is logged (requirement D1).
//
// It decides nothing about contacts and holds no truth. The pages themselves are in
// package web below.
package agentui
