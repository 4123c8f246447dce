package agentui

import (
	"svar/identity"
)

// joinsTalks reports whether the account may take part in others' calls, and hear what was recorded of them. It is for those
// who lead agents: who administers the system has no errand in a talk.
func joinsTalks(account identity.Account) bool { return account.Role == identity.Supervisor }
