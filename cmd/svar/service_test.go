package main

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
)

// A systemd that reads nothing must not keep the process from its end.
func TestASystemdThatDoesNotReadIsNotWaitedFor(t *testing.T) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	log := &lockedBuffer{}
	supervisor := newService(zerolog.New(log))
	for log.String() == "" {
		supervisor.ready() // until the socket's buffer is full
	}
	supervisor.stopping()
	_ = socket.Close() // lets go of what waits
	supervisor.telling <- struct{}{}
}
