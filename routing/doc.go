// Package routing answers one question: which agent should be offered a contact. It
// owns what makes an agent free for a channel ([Status], [Room]), what makes a free agent
// eligible ([Level]), the order in which eligible agents are preferred ([Compare]) and the
// explanation of a choice ([Choose]). It owns too the order in which contacts are served
// ([CompareClaims]), so that whoever shows the queue shows the order that the engine keeps.
//
// An agent is eligible who holds every needed skill, each at least at its level. The
// highest level comes first (the lowest one over the needed skills counts), then the
// longest idle, then the name. One who is reserved for a class is eligible for contacts of it and of higher
// ones alone.
//
// Contacts are served by class, then those whose agent was lost, then by the share of their target
// that they have waited, then by arrival. An ordinary one that has waited long enough rises into the next
// class ([Rises]).
//
// [Pool] is the index over the free agents of a channel, so that a choice does not look at
// all of them again. The package keeps no contacts and no offers: that is package queue. It
// is pure and imports nothing but the shared noun.
package routing
