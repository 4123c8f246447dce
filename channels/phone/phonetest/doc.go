// Package phonetest has real telephones for tests: baresip and Linphone, as desk phones and as callers.
// They play a tone and record what they hear; nobody needs a terminal or a sound card for it.
package phonetest
