// Package contact is the noun that every other package shares: one call, chat,
// mail or form from its arrival until it is accounted for.
//
// It owns the identities ([ID], [LegID], [OfferID] …), what a contact needs
// ([Needs], [Class]), its states with the legal transitions ([State]), the
// closed sets of commands that ask for something ([Command]) and of events that
// say what happened ([Event]), and the whole values that the engine is ruled by
// ([Rules], [Roster]). Commands and events have one wire form, written by
// [Commands] and [Events], which the journal records and the bus carries.
//
// It decides nothing: who gets a contact is decided by package queue with
// package routing. It holds no personal data: names, numbers and texts travel
// as [Personal] beside the contact and never enter a record.
package contact
