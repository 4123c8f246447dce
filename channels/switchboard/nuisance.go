package switchboard

func (c *call) isSlowed() bool { return false }
