// Package channeltest is the suite that the legs of every gateway and endpoint pass: what
// the contract in package channels promises, tried with a real party at the other end.
//
// A package under channels runs it from its own tests with a [Factory] that makes one leg
// and the party behind it:
//
//	func TestContract(t *testing.T) {
//		channeltest.TestLeg(t, func(t *testing.T) channeltest.Fixture { … })
//	}
//
// It does not test what is particular to a channel: messages, codecs, addresses.
package channeltest
