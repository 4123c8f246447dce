package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"svar/contact"
)

func newPersonal(t testing.TB) *Personal {
	t.Helper()
	connection, err := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()}).Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	return openPersonal(t, connection, filepath.Join(t.TempDir(), "legs"))
}

func openPersonal(t testing.TB, connection *nats.Conn, legsFile string, options ...Option) *Personal {
	t.Helper()
	p, err := OpenPersonal(testContext(t), connection, legsFile, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// kept is how many messages the stream holds.
func kept(t testing.TB, p *Personal) uint64 {
	t.Helper()
	info, err := p.stream.Info(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Msgs
}

func TestPersonalDataIsKeptOncePerContact(t *testing.T) {
	t.Parallel()
	p, ctx := newPersonal(t), testContext(t)
	first := contact.Personal{Number: "+46850800100"}
	caller := contact.Personal{Number: "+46701740605", Withheld: true}
	if err := errors.Join(p.PutPersonal(ctx, "c1", first), p.PutPersonal(ctx, "c1", caller), p.PutNote(ctx, "c1", "one"), p.PutNote(ctx, "c1", "two"), p.PutNote(ctx, "c2", "other")); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Personal(ctx, "c1"); err != nil || got != caller {
		t.Errorf("got %+v: %v", got, err)
	}
	if note, err := p.Note(ctx, "c1"); err != nil || note != "two" {
		t.Errorf("got %q: %v", note, err)
	}
	if n := kept(t, p); n != 3 {
		t.Errorf("%d messages are kept; an older word of the same is one too many", n)
	}
	if err := p.Forget(ctx, "c1"); err != nil {
		t.Fatal(err)
	}
	if n := kept(t, p); n != 1 {
		t.Errorf("%d messages are left; only the other contact's note may be", n)
	}
	got, err := p.Personal(ctx, "c1")
	note, noteErr := p.Note(ctx, "c1")
	if got != (contact.Personal{}) || note != "" || err != nil || noteErr != nil {
		t.Errorf("a forgotten contact has %+v and %q: %v, %v", got, note, err, noteErr)
	}
	if note, err := p.Note(ctx, "c2"); err != nil || note != "other" {
		t.Errorf("the other contact's note is %q: %v", note, err)
	}
}

func TestLegsOfANode(t *testing.T) {
	t.Parallel()
	p, ctx := newPersonal(t), testContext(t)
	if legs, err := p.LegsOf(ctx, "node-1"); err != nil || legs != nil {
		t.Errorf("got %v: %v", legs, err)
	}
	leg := func(node contact.NodeID, n int) contact.LegRecord {
		return contact.LegRecord{
			Node: node, Contact: contact.ID(fmt.Sprintf("c%04d", n)), Leg: contact.LegID(fmt.Sprintf("l%04d", n)),
			Channel: contact.Voice, Gateway: []byte(`{"call_id":"x"}`),
		}
	}
	const legs = 300
	var want []contact.LegRecord
	for n := range legs {
		record := leg("node-1", n)
		if err := errors.Join(p.PutLeg(ctx, record), p.PutLeg(ctx, leg("node-2", n))); err != nil {
			t.Fatal(err)
		}
		if n%3 != 0 {
			want = append(want, record)
			continue
		}
		if err := errors.Join(p.DeleteLeg(ctx, record), p.DeleteLeg(ctx, record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Forget(ctx, "c0299"); err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(r contact.LegRecord) bool { return r.Contact == "c0299" })
	if got, err := p.LegsOf(ctx, "node-1"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d legs, want %d: %v", len(got), len(want), err)
	}
}

// One record that cannot be read must not keep a node from starting.
func TestADamagedLegIsForgotten(t *testing.T) {
	t.Parallel()
	p, ctx := newPersonal(t), testContext(t)
	good := contact.LegRecord{Node: "node-1", Contact: "c2", Leg: "l2", Channel: contact.Voice, Gateway: []byte("{}")}
	if err := p.PutLeg(ctx, good); err != nil {
		t.Fatal(err)
	}
	if err := p.legs.change(ctx, legChange{key: []byte("c1.node-1.l1"), record: []byte("{torn")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := p.LegsOf(ctx, "node-1"); err != nil || !reflect.DeepEqual(got, []contact.LegRecord{good}) {
			t.Errorf("got %v: %v", got, err)
		}
	}
}

// Of many at once each is there when it is acknowledged, also for the next process.
func TestLegsAreThereAfterKill(t *testing.T) {
	t.Parallel()
	connection, err := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()}).Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	file, ctx := filepath.Join(t.TempDir(), "legs"), testContext(t)
	p := openPersonal(t, connection, file)
	var want []contact.LegRecord
	var putting sync.WaitGroup
	for n := range 500 {
		record := contact.LegRecord{Node: "n", Contact: contact.ID(fmt.Sprintf("c%03d", n)), Leg: "l", Channel: contact.Voice, Gateway: []byte("{}")}
		if n%2 == 0 {
			want = append(want, record)
		}
		putting.Go(func() {
			err := p.PutLeg(ctx, record)
			if n%2 == 1 {
				err = errors.Join(err, p.DeleteLeg(ctx, record))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	putting.Wait()
	// What a killed process leaves is the file as it is.
	left, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "legs")
	if err := os.WriteFile(copied, left, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := openPersonal(t, connection, copied).LegsOf(ctx, "n"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d legs, want %d: %v", len(got), len(want), err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.PutLeg(ctx, want[0]); !errors.Is(err, errLegsClosed) {
		t.Errorf("put into a closed one: %v", err)
	}
}

// A file that is none keeps no node from starting.
func TestADamagedFileOfLegsIsPutAside(t *testing.T) {
	t.Parallel()
	connection, err := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()}).Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	file, damaged := filepath.Join(t.TempDir(), "legs"), bytes.Repeat([]byte("torn"), 8192)
	if err := os.WriteFile(file, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if legs, err := openPersonal(t, connection, file).LegsOf(testContext(t), "n"); err != nil || len(legs) > 0 {
		t.Errorf("got %v: %v", legs, err)
	}
	if aside, err := os.ReadFile(file + ".damaged"); err != nil || !bytes.Equal(aside, damaged) {
		t.Errorf("the damaged file is not put aside: %v", err)
	}
}

// An id that NATS reads as a pattern would show, overwrite or purge what is others'.
func TestIDsThatAreMoreThanANameAreRefused(t *testing.T) {
	t.Parallel()
	p, ctx := newPersonal(t), testContext(t)
	if err := p.PutNote(ctx, "c1", "mine"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "*", ">", "c1.note", "c 1", "c\t1", "c1\r\nPUB x 0", "c\x00", "c1*", "å", strings.Repeat("c", 129)} {
		as := contact.ID(id)
		_, noteErr := p.Note(ctx, as)
		_, callerErr := p.Personal(ctx, as)
		_, legsErr := p.LegsOf(ctx, contact.NodeID(id))
		good := contact.LegRecord{Node: "n", Contact: "c", Leg: "l"}
		badNode, badContact, badLeg := good, good, good
		badNode.Node, badContact.Contact, badLeg.Leg = contact.NodeID(id), as, contact.LegID(id)
		for what, err := range map[string]error{
			"note": noteErr, "caller": callerErr, "legs": legsErr, "forget": p.Forget(ctx, as),
			"put note": p.PutNote(ctx, as, "x"), "put caller": p.PutPersonal(ctx, as, contact.Personal{}),
			"put leg of node": p.PutLeg(ctx, badNode), "put leg of contact": p.PutLeg(ctx, badContact), "put leg": p.PutLeg(ctx, badLeg),
			"delete leg": p.DeleteLeg(ctx, badLeg),
		} {
			if !errors.Is(err, ErrBadID) {
				t.Errorf("%s of %q: got %v, want %v", what, id, err, ErrBadID)
			}
		}
	}
	if note, err := p.Note(ctx, "c1"); err != nil || note != "mine" || kept(t, p) != 1 {
		t.Errorf("the note is %q and %d messages are kept: %v", note, kept(t, p), err)
	}
}

func TestANoteHasItsLimit(t *testing.T) {
	t.Parallel()
	p, ctx := newPersonal(t), testContext(t)
	longest := strings.Repeat("<", 10_000) // six bytes each as JSON
	if err := p.PutNote(ctx, "c1", longest); err != nil {
		t.Error(err)
	}
	if note, err := p.Note(ctx, "c1"); err != nil || note != longest {
		t.Errorf("got %d characters: %v", len(note), err)
	}
	if err := p.PutNote(ctx, "c1", strings.Repeat("x", maxPersonal)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}
