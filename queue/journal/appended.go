package journal

import (
	"bytes"
	"sync"
)

// keptRecords and keptBytes bound the records that a journal keeps which it wrote itself.
const (
	keptRecords = 1024
	keptBytes   = 4 << 20
)

// appended are the newest records that this process has written, or tried to. Its own followers come close behind and are given
// them as they were, instead of reading them again, each for itself.
type appended struct {
	mutex   sync.Mutex
	records []keptRecord // oldest first, without a gap
	bytes   int
}

type keptRecord struct {
	sequence uint64
	data     []byte
	record   Record
}

func (a *appended) keep(sequence uint64, data []byte, record Record) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if n := len(a.records); n > 0 && a.records[n-1].sequence+1 != sequence { // another leader wrote between ours
		a.records, a.bytes = nil, 0
	}
	a.records = append(a.records, keptRecord{sequence, data, record})
	a.bytes += len(data)
	for len(a.records) > keptRecords || a.bytes > keptBytes {
		a.bytes -= len(a.records[0].data)
		a.records[0] = keptRecord{}
		a.records = a.records[1:]
	}
}

// decode is [Decode] of the record at a sequence. What the stream holds counts: a kept record stands for the very
// same bytes only.
func (a *appended) decode(sequence uint64, data []byte) (Record, error) {
	if kept, found := a.find(sequence); found && bytes.Equal(kept.data, data) {
		return kept.record, nil
	}
	return Decode(data)
}

func (a *appended) find(sequence uint64) (keptRecord, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if len(a.records) == 0 || sequence < a.records[0].sequence {
		return keptRecord{}, false
	}
	at := sequence - a.records[0].sequence
	if at >= uint64(len(a.records)) {
		return keptRecord{}, false
	}
	return a.records[at], true
}
