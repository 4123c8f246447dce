package journal

import (
	"testing"

	"svar/contact"
)

func TestAFollowerIsGivenWhatWasWrittenHereAndReadsTheRest(t *testing.T) {
	t.Parallel()
	embedded := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()})
	here, there := openJournal(t, embedded), openJournal(t, embedded)
	fill(t, here, 1, 3)
	if _, found := here.appended.find(1); !found {
		t.Error("record 1 is not kept")
	}
	fill(t, there, 4, 5) // another process leads
	fill(t, here, 6, 7)
	for sequence, own := range map[uint64]bool{3: false, 4: false, 5: false, 6: true, 7: true, 8: false, 0: false} {
		if _, found := here.appended.find(sequence); found != own {
			t.Errorf("record %d is kept: %t, want %t", sequence, found, own)
		}
	}
	n := 0
	err := here.Read(testContext(t), 1, func(sequence uint64, r Record) error {
		if n++; sequence != uint64(n) || r.Now != contact.Instant(n) {
			t.Errorf("record %d of %d, want %d", sequence, r.Now, n)
		}
		return nil
	})
	if err != nil || n != 7 {
		t.Errorf("%d records, %v", n, err)
	}
}

// The stream is the truth: a kept record is believed only when the stream holds the same.
func TestAKeptRecordStandsForItsVeryBytesOnly(t *testing.T) {
	t.Parallel()
	var kept appended
	data, err := numbered(1, 5).Encode()
	if err != nil {
		t.Fatal(err)
	}
	kept.keep(9, data, numbered(1, 6)) // another one on purpose, to see which is returned
	other, err := numbered(2, 7).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		sequence uint64
		data     []byte
		want     contact.Instant
	}{{9, data, 6}, {9, other, 7}, {8, data, 5}, {10, data, 5}} {
		if r, err := kept.decode(one.sequence, one.data); err != nil || r.Now != one.want {
			t.Errorf("record %d: %d, %v; want %d", one.sequence, r.Now, err, one.want)
		}
	}
	if _, err := kept.decode(9, []byte("{")); err == nil {
		t.Error("a damaged record was taken for the kept one")
	}
}

func TestKeptRecordsAreBounded(t *testing.T) {
	t.Parallel()
	var kept appended
	for n := range uint64(3 * keptRecords) {
		kept.keep(n, make([]byte, 10), Record{})
	}
	if len(kept.records) != keptRecords || kept.bytes != 10*keptRecords {
		t.Errorf("%d records, %d bytes", len(kept.records), kept.bytes)
	}
	for n := range uint64(100) {
		kept.keep(3*keptRecords+n, make([]byte, MaxRecord), Record{})
	}
	if kept.bytes > keptBytes {
		t.Errorf("%d bytes", kept.bytes)
	}
}
