package journal

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoJournal: there is no journal where one is to be read.
var ErrNoJournal = errors.New("there is no journal")

// readersFormat is that of the readers' file.
const readersFormat = 1

// readersFile tells commands on this machine how to read the streams of a running server. It is for the owner of the data
// alone: what he reads here lies beside it.
type readersFile struct {
	Format int    `json:"format"`
	URL    string `json:"url"`
	// Token lets its bearer read the journal and its snapshots; see [readersPermissions]. It lasts as long as the server.
	Token string `json:"token"`
}

// writeReadersFile replaces the file whole, so that nobody reads half of it.
func writeReadersFile(path string, content readersFile) error {
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	beside := path + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // an old one could have other permissions
	}
	if err := os.WriteFile(beside, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// ConnectReader connects a command to the server that wrote the readers' file, to read what [OpenReader] opens. The error is
// fs.ErrNotExist when there is no such file, and one of the connection when its server has ended. The caller closes the
// connection, which is not made again when it is lost.
func ConnectReader(ctx context.Context, path string, options ...nats.Option) (*nats.Conn, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("look for the running server's journal: %w", err)
	}
	var content readersFile
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if content.Format != readersFormat {
		return nil, unknownFormat(path, content.Format, readersFormat)
	}
	ours := []nats.Option{nats.Name("svar command"), nats.CustomInboxPrefix(readersInbox), nats.NoReconnect()}
	return Connect(ctx, content.URL, content.Token, append(ours, options...)...)
}

// OpenReader opens the journal on the server behind conn to read it. It makes nothing there: the error is [ErrNoJournal] when
// there is none. Whether the connection may write is the server's business.
func OpenReader(ctx context.Context, conn *nats.Conn) (*Journal, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	stream, err := js.Stream(ctx, recordStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: the server has no stream %s", ErrNoJournal, recordStream)
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal's stream: %w", err)
	}
	snapshots, err := js.ObjectStore(ctx, snapshotBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("%w: the server has no store %s", ErrNoJournal, snapshotBucket)
	}
	if err != nil {
		return nil, fmt.Errorf("open the store of snapshots: %w", err)
	}
	return &Journal{js: js, stream: stream, snapshots: snapshots, guard: guardOf(nil), patience: askTime}, nil
}

// readersInbox is where answers to readers go, and all that they may listen to: the bus is not among it.
const readersInbox = "_READER"

// readersPermissions let their bearer ask JetStream for what the journal and its snapshots hold. They keep a command from
// doing harm by mistake. They are no wall against its owner, who has the data itself: an answer of NATS goes to
// whatever subject the asker names, so that recorded bytes could be sent elsewhere.
func readersPermissions() *server.Permissions {
	snapshots := "OBJ_" + snapshotBucket
	var asks []string
	for _, stream := range []string{recordStream, snapshots} {
		asks = append(asks,
			"$JS.API.STREAM.INFO."+stream, "$JS.API.STREAM.MSG.GET."+stream, "$JS.API.DIRECT.GET."+stream, "$JS.API.DIRECT.GET."+stream+".>",
			"$JS.API.CONSUMER.CREATE."+stream+".>", "$JS.API.CONSUMER.INFO."+stream+".>",
			"$JS.API.CONSUMER.MSG.NEXT."+stream+".>", "$JS.API.CONSUMER.DELETE."+stream+".>",
			"$JS.FC."+stream+".>") // how a reader of much says that it keeps up
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: asks},
		Subscribe: &server.SubjectPermission{Allow: []string{readersInbox + ".>"}},
	}
}

// doorkeeper lets connections in by their token: owners to everything, readers to what they may read.
type doorkeeper struct{ owner, reader string }

// Check implements [server.Authentication].
func (d doorkeeper) Check(client server.ClientAuthentication) bool {
	given := client.GetOpts().Token
	switch {
	case sameToken(given, d.owner):
		return true
	case sameToken(given, d.reader):
		client.RegisterUser(&server.User{Username: "reader", Permissions: readersPermissions()})
		return true
	default:
		return false
	}
}

// sameToken compares without telling by its time how much was right. An empty token is nobody's.
func sameToken(given, token string) bool {
	return token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 1
}

// withReaders returns the configuration of a server that readers can reach.
func (c EmbeddedConfig) withReaders() EmbeddedConfig {
	if c.ReadersFile == "" {
		return c
	}
	c.readersToken = rand.Text()
	if c.Listen == "" { // whoever lets others connect has to choose their token
		c.Token = cmp.Or(c.Token, rand.Text())
	}
	return c
}

// tellReaders writes where the server of now is reached, with what token.
func (c EmbeddedConfig) tellReaders(running *server.Server) error {
	address, listens := running.Addr().(*net.TCPAddr)
	if c.ReadersFile == "" || !listens {
		return nil
	}
	at := *address
	if at.IP.IsUnspecified() {
		at.IP = net.IPv4(127, 0, 0, 1)
	}
	content := readersFile{Format: readersFormat, URL: "nats://" + at.String(), Token: c.readersToken}
	if err := writeReadersFile(c.ReadersFile, content); err != nil {
		return fmt.Errorf("tell commands where the journal is: %w", err)
	}
	return nil
}

// forgetReaders removes the file. A process that dies leaves it behind; the next one replaces it.
func (c EmbeddedConfig) forgetReaders() error {
	if c.ReadersFile == "" {
		return nil
	}
	if err := os.Remove(c.ReadersFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
