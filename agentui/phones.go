package agentui

import "svar/contact"

// Phones tells which agents have a desk phone that is registered on this node: it rings instead of
// their browser.
type Phones interface {
	// PhoneRegistered must not block.
	PhoneRegistered(agent contact.AgentID) bool
	// FollowPhones calls changed, which does not block, when that is otherwise for an agent; stop
	// ends it.
	FollowPhones(changed func(agent contact.AgentID)) (stop func())
}

// noPhones is what there is without any.
type noPhones struct{}

func (noPhones) PhoneRegistered(contact.AgentID) bool             { return false }
func (noPhones) FollowPhones(func(contact.AgentID)) (stop func()) { return func() {} }
