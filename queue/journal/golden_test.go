package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"svar/contact"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is written now")

const (
	someContact = contact.ID("0193a5b0-0000-7000-8000-000000000001")
	someLeg     = contact.LegID("0193a5b0-0000-7000-8000-00000000000a")
)

// someRecord has every field of the record set. The forms of all commands and events have
// golden files of their own, beside their types.
var someRecord = Record{
	Format: Format, Epoch: 3, Engine: 1, More: true, Now: 1_764_054_000_000,
	Commands: contact.Commands{contact.Greet{Contact: someContact}, contact.Tick{}},
	Events: contact.Events{
		contact.ContactGreeted{Contact: someContact},
		contact.OfferMissed{Contact: someContact, Offer: 7, Agent: "anna", Again: 1_764_054_030_000},
	},
}

var someSender = contact.Personal{Name: "Åsa Öberg", Address: "asa.oberg@skola.example", Subject: "Skrivaren i sal 4 är trasig"}

var someLegRecord = contact.LegRecord{
	Node: "node-1", Contact: someContact, Leg: someLeg, Channel: contact.Voice, Gateway: []byte(`{"call_id":"a84b4c76e66710"}`),
}

// The bytes on disk are a promise to every later version: what is written now is what
// these files hold, and what they hold can be read.
func TestFormsAreThoseOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	plain := func(value any) func() ([]byte, error) { return func() ([]byte, error) { return json.Marshal(value) } }
	for name, test := range map[string]struct {
		encode func() ([]byte, error)
		decode func([]byte) (any, error)
		want   any
	}{
		"record": {someRecord.Encode, func(data []byte) (any, error) { return Decode(data) }, someRecord},
		"record-first": {
			Record{Format: Format, Epoch: 1, Engine: 1, Now: 1, Commands: contact.Commands{}, Events: contact.Events{contact.LeaderElected{Epoch: 1, Node: "node-1"}}}.Encode,
			func(data []byte) (any, error) { return Decode(data) },
			Record{Format: Format, Epoch: 1, Engine: 1, Now: 1, Commands: contact.Commands{}, Events: contact.Events{contact.LeaderElected{Epoch: 1, Node: "node-1"}}},
		},
		"snapshot": {
			func() ([]byte, error) { return encodeSnapshot(1, 42, []byte(`{"format":1}`)) },
			func(data []byte) (any, error) {
				s, err := decodeSnapshot(data)
				if err != nil {
					return nil, err
				}
				return *s, nil
			},
			Snapshot{Format: SnapshotFormat, Engine: 1, Sequence: 42, SHA256: "3f0a99256beeb89a6b9f2793885291a6454928fd74903159ab2e51452b13df6f", State: []byte(`{"format":1}`)},
		},
		"personal-caller": {
			plain(versioned[contact.Personal]{personalVersion, contact.Personal{Number: "+46701740605", Withheld: true}}),
			func(data []byte) (any, error) { return decodePersonal[contact.Personal](data) },
			contact.Personal{Number: "+46701740605", Withheld: true},
		},
		"personal-sender": {
			plain(versioned[contact.Personal]{personalVersion, someSender}),
			func(data []byte) (any, error) { return decodePersonal[contact.Personal](data) }, someSender,
		},
		"personal-note": {
			plain(versioned[string]{personalVersion, "Återställde lösenordet"}),
			func(data []byte) (any, error) { return decodePersonal[string](data) }, "Återställde lösenordet",
		},
		"personal-leg": {
			plain(versioned[contact.LegRecord]{personalVersion, someLegRecord}),
			func(data []byte) (any, error) { return decodePersonal[contact.LegRecord](data) }, someLegRecord,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := test.encode()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".golden.json")
			if *update {
				if err := os.WriteFile(path, append(encoded, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(encoded, bytes.TrimSpace(golden)) {
				t.Errorf("written now\n%s\nthe golden file has\n%s", encoded, golden)
			}
			decoded, err := test.decode(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded, test.want) {
				t.Errorf("read as\n%+v\nwant\n%+v", decoded, test.want)
			}
		})
	}
}

// What cannot be read whole is refused, in words that say what to do.
func TestUnreadableFormsAreRefused(t *testing.T) {
	t.Parallel()
	record := func(data []byte) error { _, err := Decode(data); return err }
	snapshot := func(data []byte) error { _, err := decodeSnapshot(data); return err }
	note := func(data []byte) error { _, err := decodePersonal[string](data); return err }
	for name, test := range map[string]struct {
		golden   string
		old, new string
		decode   func([]byte) error
		want     error
		words    string
	}{
		"a record of a newer format": {"record", `"format":1`, `"format":2`, record, ErrUnknownFormat, "has format 2; this version of svar reads up to 1. Start the newer version"},
		"a record without format":    {"record", `"format":1`, `"from":1`, record, ErrUnknownFormat, "has format 0; this version of svar reads format 1"},
		"a record cut off":           {"record", `"events":`, ``, record, ErrDamaged, "not a record"},
		"a record with a new field":  {"record", `"epoch":3`, `"epoch":3,"lease":1`, record, ErrDamaged, `unknown field "lease"`},
		"a command of a new kind":    {"record", `"greet"`, `"welcome"`, record, ErrDamaged, `unknown type "welcome"`},
		"an event with a new field":  {"record", `"offer":7`, `"offer":7,"tone":1`, record, ErrDamaged, `unknown field "tone"`},
		"something behind a record":  {"record", `}]}` + "\n", `}]} {"format":1}`, record, ErrDamaged, ""},
		"a newer snapshot":           {"snapshot", `"format":1`, `"format":2`, snapshot, ErrUnknownFormat, "the snapshot has format 2"},
		"a snapshot with a new field": {
			"snapshot", `"sequence":42`, `"sequence":42,"node":"a"`, snapshot, ErrDamaged, `unknown field "node"`,
		},
		"a snapshot with another state": {"snapshot", `eyJmb3JtYXQiOjF9`, `eyJmb3JtYXQiOjJ9`, snapshot, ErrDamaged, "checksum"},
		"a snapshot cut off":            {"snapshot", `"sequence":`, ``, snapshot, ErrDamaged, ""},
		"newer personal data":           {"personal-note", `"version":1`, `"version":9`, note, ErrUnknownFormat, "personal data has format 9"},
		"personal data of another kind": {"personal-leg", ``, ``, note, ErrDamaged, ""},
		"personal data cut off":         {"personal-note", `}`, ``, note, ErrDamaged, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden, err := os.ReadFile(filepath.Join("testdata", test.golden+".golden.json"))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(golden), test.old, test.new, 1)
			if changed == string(golden) && test.old != "" {
				t.Fatalf("the golden file has no %s", test.old)
			}
			err = test.decode([]byte(changed))
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v; want %v with %q", err, test.want, test.words)
			}
		})
	}
}

func TestARecordHasItsLimit(t *testing.T) {
	t.Parallel()
	large := someRecord
	large.Commands = contact.Commands{contact.DeclineOffer{Reason: strings.Repeat("x", MaxRecord)}}
	if _, err := large.Encode(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
	empty, err := Record{Commands: contact.Commands{contact.DeclineOffer{Reason: ""}}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	full := Record{Commands: contact.Commands{contact.DeclineOffer{Reason: strings.Repeat("x", MaxRecord-len(empty)-len(`,"reason":""`))}}}
	if data, err := full.Encode(); err != nil || len(data) != MaxRecord {
		t.Errorf("%d bytes, %v; the largest record has %d", len(data), err, MaxRecord)
	}
}
