package store

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"svar/store/storetest"
)

// A connection that dies without a word is noticed, so that what was missed is read anew: else what the City blocks would
// be said for as long as the network keeps silent (requirement 3.6).
func TestADeadConnectionOfAListenerIsNoticed(t *testing.T) {
	t.Parallel()
	address, swallow := lineTo(t, storetest.Database(t))
	s, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	read := make(chan struct{}, 1)
	failed := make(chan error, 1)
	go func() {
		failed <- s.FollowNotices(t.Context(), func(context.Context) error {
			read <- struct{}{}
			return nil
		})
	}()
	<-read
	swallow()
	if err := <-failed; err == nil {
		t.Error("who follows the outage messages over a dead connection is told nothing")
	}
}

// lineTo returns an address of the database on a socket behind a network, which swallows everything from when swallow is
// called.
func lineTo(t *testing.T, connString string) (address string, swallow func()) {
	t.Helper()
	at, err := url.Parse(connString)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(at.Query().Get("host"), ".s.PGSQL.5432")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at.Host, at.RawQuery = listener.Addr().String(), "sslmode=disable"
	var carrying sync.WaitGroup
	swallowed := make(chan struct{})
	carry := func(from, to net.Conn) {
		buffer := make([]byte, 64<<10)
		for {
			length, err := from.Read(buffer)
			select {
			case <-swallowed:
				_, _ = io.Copy(io.Discard, from)
				return
			default:
			}
			if err == nil {
				_, err = to.Write(buffer[:length])
			}
			if err != nil {
				_, _ = from.Close(), to.Close()
				return
			}
		}
	}
	carrying.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", socket)
			if err != nil {
				_ = near.Close()
				return
			}
			context.AfterFunc(t.Context(), func() { _, _ = near.Close(), far.Close() })
			carrying.Go(func() { carry(near, far) })
			carrying.Go(func() { carry(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		carrying.Wait()
	})
	return at.String(), sync.OnceFunc(func() { close(swallowed) })
}
