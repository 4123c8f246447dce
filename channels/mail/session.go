package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// session is one connection to a mailbox, selected and ready. It wraps the library, which is
// young and knows no context: the end of ctx closes the connection, which ends every call.
type session struct {
	client   *imapclient.Client
	stop     func() bool
	validity uint32
	maxSize  int
	// news has something after the server said that the mailbox grew.
	news chan struct{}
}

// open connects, signs in and selects the folder.
func open(ctx context.Context, mailbox IMAPConfig, timeout time.Duration, maxSize int) (*session, error) {
	connection, err := dial(ctx, mailbox.Address, mailbox.TLS, mailbox.RootCAs, timeout)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &session{news: make(chan struct{}, 1), maxSize: maxSize}
	// Before the set-up is over, whatever the server does, the time is bounded from outside.
	setUp, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	abort := context.AfterFunc(setUp, func() { _ = connection.Close() })
	options := &imapclient.Options{
		TLSConfig: tlsConfig(mailbox.Address, mailbox.RootCAs),
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				s.tell()
			}
		}},
	}
	if mailbox.TLS == STARTTLS {
		if s.client, err = imapclient.NewStartTLS(connection, options); err != nil {
			abort()
			return nil, fmt.Errorf("begin TLS: %w", err)
		}
	} else {
		s.client = imapclient.New(connection, options)
	}
	err = s.signIn(mailbox)
	if !abort() && err == nil {
		err = context.Cause(setUp)
	}
	if err != nil {
		_ = s.client.Close()
		return nil, withCause(ctx, err)
	}
	s.stop = context.AfterFunc(ctx, func() { _ = connection.Close() })
	return s, nil
}

func (s *session) signIn(mailbox IMAPConfig) error {
	if err := s.client.WaitGreeting(); err != nil {
		return fmt.Errorf("wait for the greeting: %w", err)
	}
	if err := s.client.Login(mailbox.Username, mailbox.Password).Wait(); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	selected, err := s.client.Select(mailbox.Folder, nil).Wait()
	if err != nil {
		return fmt.Errorf("select the folder: %w", err)
	}
	if selected.UIDValidity == 0 {
		return errors.New("select the folder: the server gives it no UIDVALIDITY, so that no mail in it has a place")
	}
	s.validity = selected.UIDValidity
	return nil
}

// close ends the connection and waits until nothing of it remains.
func (s *session) close() {
	s.stop()
	_ = s.client.Close()
}

func (s *session) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// after returns the UIDs of what lies behind the cursor, in order.
func (s *session) after(uid uint32) ([]imap.UID, error) {
	// What is said from now on may be missing in the answer, and makes us ask again.
	select {
	case <-s.news:
	default:
	}
	if uid == ^uint32(0) {
		return nil, nil
	}
	first := imap.UID(uid + 1)
	found, err := s.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: first, Stop: 0}}}}, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	// "n:*" is always one mail at least: of an empty range it is the newest (RFC 9051 §6.4.8).
	uids := slices.DeleteFunc(found.AllUIDs(), func(u imap.UID) bool { return u < first })
	slices.Sort(uids)
	return uids, nil
}

// fetch returns a mail, without marking it; found is false when somebody took it away.
func (s *session) fetch(uid imap.UID) (got source, found bool, err error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Offset: 0, Size: int64(s.maxSize) + 1}}
	messages, err := s.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{
		UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section},
	}).Collect()
	if err != nil {
		return source{}, false, fmt.Errorf("fetch: %w", err)
	}
	for _, message := range messages {
		if message.UID != uid || len(message.BodySection) == 0 {
			continue
		}
		got = source{raw: message.BodySection[0].Bytes, at: Cursor{UIDValidity: s.validity, UID: uint32(uid)}, received: message.InternalDate}
		if len(got.raw) > s.maxSize {
			got.raw, got.tooLarge = headerOf(got.raw), true
		}
		return got, true, nil
	}
	return source{}, false, nil
}

// headerOf returns the header, with the empty line that ends it, cut to what is read of one.
func headerOf(raw []byte) []byte {
	raw = raw[:min(len(raw), maxHeader)]
	if end := bytes.Index(raw, []byte("\r\n\r\n")); end >= 0 {
		return slices.Clone(raw[:end+4])
	}
	return append(slices.Clone(raw), "\r\n\r\n"...)
}

// markSeen is for people who look into the mailbox.
func (s *session) markSeen(uid imap.UID) error {
	return s.client.Store(imap.UIDSetNum(uid), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
}

// wait returns when the mailbox has grown or it is time to ask. The error says that the
// connection is over.
func (s *session) wait(ctx context.Context, refresh, poll time.Duration) error {
	if s.client.Caps().Has(imap.CapIdle) {
		idle, err := s.client.Idle()
		if err != nil {
			return fmt.Errorf("begin to idle: %w", err)
		}
		err = s.rest(ctx, refresh)
		// Any other command would wait for the end of this one.
		if ending := errors.Join(idle.Close(), idle.Wait()); err == nil && ending != nil {
			err = fmt.Errorf("end idling: %w", ending)
		}
		return err
	}
	if err := s.rest(ctx, poll); err != nil {
		return err
	}
	if err := s.client.Noop().Wait(); err != nil {
		return fmt.Errorf("ask for news: %w", err)
	}
	return nil
}

func (s *session) rest(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.news:
		return nil
	case <-timer.C:
		return nil
	case <-s.client.Closed():
		return errConnectionLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const errConnectionLost = constError("the connection was lost")
