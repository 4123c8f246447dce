package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"svar/agentui"
	"svar/channels"
	"svar/channels/chat"
	"svar/channels/mail"
	"svar/channels/phone"
	"svar/channels/switchboard"
	"svar/configs"
	"svar/contact"
	"svar/identity/signin"
	"svar/report"
	"svar/store"
)

func newLegID() contact.LegID { return contact.LegID(uuid.Must(uuid.NewV7()).String()) }

// nodeID returns the name of this node: what the file holds, or a new one.
func nodeID(path string) (contact.NodeID, error) {
	data, err := keep(path, 0o644, func() []byte { return []byte("node-" + hex.EncodeToString(random(6)) + "\n") })
	if err != nil {
		return "", fmt.Errorf("the name of this node: %w", err)
	}
	return contact.NodeID(strings.TrimSpace(string(data))), nil
}

// secret returns the key in the file, which is made when it is not there.
func secret(path string) ([]byte, error) {
	const size = 32
	key, err := keep(path, 0o600, func() []byte { return random(size) })
	if err == nil && len(key) != size {
		err = fmt.Errorf("%s holds %d bytes, not %d: delete it; what was signed with it is not believed any more", path, len(key), size)
	}
	if err != nil {
		return nil, fmt.Errorf("a key of this node: %w", err)
	}
	return key, nil
}

func random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails
	return data
}

// keep returns what the file holds, or makes it with what fresh returns.
func keep(path string, mode os.FileMode, fresh func() []byte) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return data, err
	}
	// Written beside and renamed: a crash leaves the whole file or none.
	data = fresh()
	beside := path + ".new"
	if err := os.WriteFile(beside, data, mode); err != nil {
		return nil, err
	}
	return data, os.Rename(beside, path)
}

func written(addresses []netip.Addr) []string {
	out := make([]string, len(addresses))
	for i, address := range addresses {
		out[i] = address.String()
	}
	return out
}

func switchboardLines(config configs.Config) []switchboard.Line {
	var lines []switchboard.Line
	for _, line := range config.Lines {
		hours := config.HoursOf(line.Hours)
		out := switchboard.Line{
			Hours: &hours,
			ID:    line.ID, Channel: contact.Voice, Audience: line.Audience, Language: line.Language, LookUp: line.LookUp,
			Recording: recordingOf(line), RingFirst: line.RingsFor().Duration(), Flow: line.IVR(), PartyFlow: line.PartyIVR(),
		}
		for _, party := range line.Parties {
			out.Parties = append(out.Parties, switchboard.Party{ID: party.ID, Audience: party.Audience, Numbers: party.Beginnings()})
		}
		lines = append(lines, out)
	}
	for _, topic := range config.Chat.Topics {
		hours := config.HoursOf(topic.Hours)
		lines = append(lines, switchboard.Line{
			Hours: &hours,
			ID:    topic.ID, Channel: contact.Chat, Audience: topic.Audience, Language: topic.Languages[0], Languages: topic.Languages,
			Flow: topic.IVR(),
		})
	}
	return lines
}

// recordingOf is how the line records; nil when it does not.
func recordingOf(line configs.Line) *switchboard.Recording {
	if !line.Recording.On {
		return nil
	}
	return &switchboard.Recording{
		Announcement: line.Recording.Announcement, DeclineKey: line.Recording.DeclineKey[0], Retention: line.Recording.Retention.Duration(),
	}
}

func chatConfig(config configs.Config, a *App) chat.Config {
	out := chat.Config{
		Node: a.node, Intake: a.board, Conversations: a.chats, Notices: a.notices, Hours: config.Hours.Opening(),
		Origins: config.Chat.Origins, Messages: a.texts(), AwayLimit: config.Chat.AwayLimit.Duration(),
		Text: func(p channels.Prompt) string {
			if p.Text != "" {
				return p.Text
			}
			return a.config().PromptText(p.Name, p.Language)
		},
		ChatsPerAddress: config.Chat.PerAddress, Proxies: config.HTTP.Proxies, Now: time.Now, Log: a.options.Log,
		Topics: chatTopics(config),
	}
	return out
}

func chatTopics(config configs.Config) []chat.Topic {
	var topics []chat.Topic
	for _, topic := range config.Chat.Topics {
		hours := config.HoursOf(topic.Hours)
		topics = append(topics, chat.Topic{
			Line: topic.ID, Name: topic.Name, Languages: topic.Languages, Service: topic.Service, Audience: topic.Audience, Hours: &hours,
		})
	}
	return topics
}

// texts returns the way of what people write to the queue.
func (a *App) texts() texts {
	return texts{config: a.config, store: a.store, now: time.Now}
}

func mailConfig(a *App, key []byte) (mail.Config, error) {
	out := mail.Config{Post: a.texts(), Key: key, Now: time.Now, Log: a.options.Log}
	for _, box := range a.options.Config.Mail.Mailboxes {
		inRoots, err := box.IMAP.Roots()
		if err != nil {
			return out, fmt.Errorf("mailbox %s, imap.ca_file: %w", box.ID, err)
		}
		outRoots, err := box.SMTP.Roots()
		if err != nil {
			return out, fmt.Errorf("mailbox %s, smtp.ca_file: %w", box.ID, err)
		}
		out.Mailboxes = append(out.Mailboxes, mail.Mailbox{
			Line: box.ID, Address: box.Address, From: box.Sender(), Language: box.Language, Plus: box.Plus,
			IMAP: mail.IMAPConfig{
				Address: box.IMAP.Address, TLS: mail.TLS(box.IMAP.Mode()), RootCAs: inRoots,
				Username: box.IMAP.Username, Password: box.IMAP.Password.Reveal(), Folder: box.IMAP.FolderName(),
			},
			SMTP: mail.SMTPConfig{
				Address: box.SMTP.Address, TLS: mail.TLS(box.SMTP.Mode()), RootCAs: outRoots,
				Username: box.SMTP.Username, Password: box.SMTP.Password.Reveal(),
			},
		})
	}
	return out, nil
}

func phoneConfig(config configs.Config, a *App) (phone.Config, error) {
	out := phone.Config{
		Address: config.Phone.Address, Advertise: config.Phone.Advertise.Addr,
		RTPFirst: config.Phone.RTP.From, RTPLast: config.Phone.RTP.To, MaxCalls: config.Phone.MaxCalls,
		Intake: a.board, Prompts: a.prompts, Pacer: a.pacer, Log: a.options.Log,
		DialPlan: dialPlan(config.Phone.Outbound), Routes: routes(config.Phone),
		StrangerInvites: config.Phone.Strangers.Calls, AllStrangerInvites: config.Phone.Strangers.AllCalls,
		StrangerAnswers: config.Phone.Strangers.Answers, ProbeAfter: config.Phone.ProbeAfter.Duration(),
	}
	out.Phones, out.PhoneAttempts, out.ShownTo = a.directory, signin.New(), a.shownOnPhone
	if out.ProbeAfter == 0 {
		out.ProbeAfter = -1 // nobody is asked
	}
	if a.options.intake != nil {
		out.Intake = a.options.intake(a.board)
	}
	for _, line := range config.Lines {
		out.Lines = append(out.Lines, phone.Line{ID: line.ID, Number: line.Number, Shown: config.ShownNumber(line.ID)})
	}
	var err error
	if out.TLS, err = a.phoneTLS(); err != nil {
		return out, err
	}
	out.Trunks, err = trunks(config.Phone)
	return out, err
}

func consoleConfig(a *App, key []byte) agentui.Config {
	config := a.options.Config
	out := agentui.Config{
		Node: a.node, Commands: a.bus, Changes: a.bus, Waits: a.bus, Signals: a.bus, Controls: a.bus, Echo: echoRoom{a.voice},
		Accounts: a.directory, People: a.directory, Personal: a.personal, Phones: a.phone, Trunks: a.phone,
		Figures: storedFigures{a.store}, Contacts: storedContacts{a.store}, OwnContacts: a.store, Explanations: a.store,
		Tickets: consoleTickets{a.store}, Conversations: a.chats, Notices: a.notices, NoticeDesk: noticeDesk{a.store},
		ContactFigures: a.store, Access: a.store,
		SessionKey: key, Configuration: a, Prompts: promptStudio{a.prompts}, Recordings: a.recordings, RecordedCalls: a.store, CallLog: a.store, Catalogue: catalogue(config), Now: time.Now, Log: a.options.Log,
	}
	for _, server := range config.Voice.ICEServers {
		out.ICEServers = append(out.ICEServers, agentui.IceServer(server))
	}
	return out
}

// catalogue is what consoles are told of the configuration.
func catalogue(config configs.Config) agentui.Catalogue {
	out := agentui.Catalogue{
		LookUps: map[contact.LineID]bool{}, OutcomeCodes: config.Desk.OutcomeCodes, WrapUpExtension: config.Desk.WrapUpExtension,
	}
	for _, reason := range config.Desk.PauseReasons {
		out.PauseReasons = append(out.PauseReasons, agentui.PauseInfo{Reason: reason.ID, LimitMs: reason.Limit, Break: reason.Break})
	}
	for _, place := range config.Destinations {
		out.Destinations = append(out.Destinations, agentui.DestinationInfo{ID: place.ID, Name: place.Name})
	}
	for _, group := range config.Groups {
		out.Groups = append(out.Groups, agentui.GroupInfo{ID: group.ID, Name: group.Name})
	}
	for _, line := range config.Lines {
		out.Lines = append(out.Lines, agentui.LineInfo{ID: line.ID, Channel: contact.Voice, Name: line.Name, Greeting: line.Greeting})
		out.LookUps[line.ID] = line.LookUp
		if config.Phone.OutboundAddress() != "" {
			out.CallsLines = append(out.CallsLines, agentui.CallsLine{ID: line.ID, Audience: line.Audience, Language: line.Language})
		}
	}
	for _, topic := range config.Chat.Topics {
		out.Lines = append(out.Lines, agentui.LineInfo{ID: topic.ID, Channel: contact.Chat, Name: topic.Name})
	}
	for _, box := range config.Mail.Mailboxes {
		out.Lines = append(out.Lines, agentui.LineInfo{ID: box.ID, Channel: contact.Mail, Name: box.Name})
	}
	out.Lines = append(out.Lines, agentui.LineInfo{ID: config.Portal.Form.ID, Channel: contact.Form, Name: config.Portal.Form.Name})
	for _, service := range config.Services {
		info := agentui.ServiceInfo{ID: service.ID, Name: service.Name, Categories: []agentui.CategoryInfo{}}
		for _, category := range service.Categories {
			info.Categories = append(info.Categories, agentui.CategoryInfo{ID: category.ID, Name: category.Name})
		}
		out.Services = append(out.Services, info)
	}
	return out
}

// storedFigures counts the contacts of the day in Europe/Stockholm.
type storedFigures struct{ store *store.Store }

// Today implements [agentui.Figures].
func (f storedFigures) Today(ctx context.Context, now time.Time) (agentui.DayFigures, error) {
	from, to := report.Day(now)
	day, err := f.store.Figures(ctx, from, to, now, report.ShortAbandon.Duration())
	return agentui.DayFigures(day), err
}

// storedContacts gives the console the projection's rows in its own form.
type storedContacts struct{ store *store.Store }

// Contacts implements [agentui.Contacts].
func (c storedContacts) Contacts(ctx context.Context, f agentui.ContactFilter) ([]agentui.StoredContact, error) {
	rows, err := c.store.Contacts(ctx, store.ContactFilter(f))
	if err != nil {
		return nil, err
	}
	out := make([]agentui.StoredContact, 0, len(rows))
	for _, row := range rows {
		stored := agentui.StoredContact{
			ID: row.ID, Channel: row.Channel, Line: row.Line, Audience: row.Audience, State: row.State,
			End: row.EndedAs, Stage: row.Stage, Callback: row.Callback, Agent: row.Agent, Outcome: row.Outcome,
			Outgoing: row.Outgoing, Failure: row.Failure, Arrived: row.Arrived, Greeted: row.Greeted, Queued: row.Queued, Answered: row.Answered,
			Ended: row.Ended, Closed: row.Closed, Transitions: []agentui.Transition{},
		}
		for _, event := range row.Events {
			stored.Transitions = append(stored.Transitions, agentui.Transition{
				Sequence: event.Sequence, At: event.At, Event: event.Name, Data: event.Data,
			})
		}
		out = append(out, stored)
	}
	return out, nil
}
