package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"svar/configs"
	"svar/contact"
	"svar/identity"
)

// directory holds people and accounts in memory: no call and no sign-in waits for the
// database. It is replaced whole when somebody changed them.
type directory struct {
	people   atomic.Pointer[identity.Directory]
	accounts atomic.Pointer[map[string]identity.Account]
	phones   atomic.Pointer[map[string]identity.PhoneSecret]
}

// Directory implements [agentui.People].
func (d *directory) Directory() *identity.Directory { return d.people.Load() }

// Account implements [agentui.Accounts].
func (d *directory) Account(name string) (identity.Account, bool) {
	account, known := (*d.accounts.Load())[name]
	return account, known && account.Active
}

// PhoneSecret implements [phone.Phones].
func (d *directory) PhoneSecret(account string) (identity.PhoneSecret, bool) {
	secret, known := (*d.phones.Load())[account]
	if _, works := d.Account(account); !works {
		return identity.PhoneSecret{}, false
	}
	return secret, known
}

// Identify implements [switchboard.Callers]: the one person with the number.
func (d *directory) Identify(p contact.Personal) contact.PersonID {
	if p.Number == "" {
		return ""
	}
	if matches := d.people.Load().ByNumber(p.Number); len(matches) == 1 {
		return matches[0].ID
	}
	return ""
}

// IsProtected implements [switchboard.Protection]: somebody with the number has a protected identity.
func (d *directory) IsProtected(p contact.Personal) bool {
	return p.Number != "" && slices.ContainsFunc(d.people.Load().ByNumber(p.Number), func(person identity.Person) bool { return person.Protected })
}

// roster is what the queue knows of the accounts: all that may answer contacts.
func roster(accounts []identity.Account) contact.Roster {
	out := contact.Roster{Agents: []contact.Agent{}}
	for _, account := range accounts {
		if !account.Active {
			continue
		}
		var skills []contact.Need
		for _, skill := range account.Skills {
			skills = append(skills, contact.Need{Skill: contact.SkillID(skill.Name), Level: skill.Level})
		}
		out.Agents = append(out.Agents, contact.Agent{
			ID: contact.AgentID(account.Name), Skills: contact.NewNeeds(skills...), Reserved: configs.Class(account.Reserved).Contact(),
		})
	}
	slices.SortFunc(out.Agents, func(a, b contact.Agent) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// startDirectory reads people and accounts, and again whenever somebody changes them.
func (a *App) startDirectory(ctx context.Context) error {
	a.directory = &directory{}
	if a.options.Config.Demo {
		hash, err := identity.HashPassword(identity.DemoPassword)
		if err != nil {
			return err
		}
		a.demoHash = hash
	}
	if err := a.readDirectory(ctx); err != nil {
		return err
	}
	a.run("the directory", func(ctx context.Context) error {
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			return struct{}{}, a.store.WaitForChange(ctx, a.readDirectory)
		}, persistence(), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
			a.options.Log.Warn().Err(err).Dur("again_in", wait).Msg("changes of people and accounts are not heard of now")
		}))
		if ctx.Err() != nil {
			err = nil // closed
		}
		return err
	})
	return nil
}

// directoryTime bounds the reading of all people and accounts: 300,000 people take some seconds.
const directoryTime = time.Minute

func (a *App) readDirectory(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, directoryTime)
	defer cancel()
	people, err := a.store.People(bounded)
	if err != nil {
		return err
	}
	if a.options.Config.Demo && len(people) == 0 {
		people = identity.DemoPeople()
	}
	index, err := identity.NewDirectory(people)
	if err != nil {
		return fmt.Errorf("the stored people: %w", err)
	}
	accounts, err := a.store.Accounts(bounded)
	if err != nil {
		return err
	}
	byName := make(map[string]identity.Account, len(accounts))
	for _, account := range accounts {
		byName[account.Name] = account
	}
	phones, err := a.store.PhoneSecrets(bounded)
	if err != nil {
		return err
	}
	if a.options.Config.Demo {
		accounts = a.withDemo(accounts, byName, phones)
	}
	a.directory.people.Store(index)
	a.directory.accounts.Store(&byName)
	a.directory.phones.Store(&phones)
	if !a.options.Config.NATS.Engine {
		return nil // the leader's node tells the queue
	}
	return a.bus.Send(ctx, contact.ChangeRoster{Roster: roster(accounts)})
}

// withDemo adds the invented accounts whose names are free, and desk phones for them with the same
// password where that is not worse than they are. They are never stored, so that nobody can sign in with them once demo is off.
func (a *App) withDemo(accounts []identity.Account, byName map[string]identity.Account, phones map[string]identity.PhoneSecret) []identity.Account {
	for _, account := range identity.DemoAccounts() {
		if _, taken := byName[account.Name]; taken {
			continue
		}
		account.PasswordHash = a.demoHash
		byName[account.Name] = account
		if a.options.Config.DemoPhones() {
			phones[account.Name] = identity.NewPhoneSecret(account.Name, identity.DemoPassword)
		}
		accounts = append(accounts, account)
	}
	return accounts
}
