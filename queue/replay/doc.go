// Package replay runs what the journal recorded through the engine again: the commands of a span of records, each at
// its recorded instant, must give the recorded events, byte for byte. It proves that what was decided followed from what
// was on record and from nothing else, and finds the record where it did not.
//
// It reads a journal and changes nothing. Who attaches to the journal, and who tells people, is the command's business.
package replay
