package phone

// refer answers REFER (RFC 3515). Nobody can make us call anybody by it, a registered desk phone
// neither: calls are transferred in the console, to whom the configuration names, and on record.
func (l *leg) refer(in received) { l.gateway.reject(in.request, in.transaction, forbidden()) }

func forbidden() *fault { return refuse(403, "Forbidden") }
