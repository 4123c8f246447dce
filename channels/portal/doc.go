// Package portal is the users' own site: how the desk is reached, outage messages, reporting,
// and following and answering one's own tickets.
//
// Its pages are html/template and work without JavaScript, in Swedish and English. What it
// shows of tickets is public to their user; whose they are is asked of the [Desk] with every
// request, and somebody else's ticket is not told from one that does not exist.
package portal
