package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/store"
	"svar/store/private"
)

// commandLine is every command with its flags.
type commandLine struct {
	global `embed:""`

	Serve   serveCommand   `cmd:"" help:"Take calls and serve the console."`
	Check   checkCommand   `cmd:"" help:"Say what is wrong with the configuration, with file, line and column."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to the newest schema."`
	Import  struct {
		People importPeopleCommand `cmd:"" help:"Replace the directory of people by a CSV file."`
	} `cmd:"" help:"Take data in."`
	User struct {
		Add   userAddCommand   `cmd:"" help:"Add an account; its password is read from the first line of standard input."`
		Phone userPhoneCommand `cmd:"" help:"Make a new password for an account's desk phone, and print once what is to be typed into the phone."`
	} `cmd:"" help:"Manage accounts."`
	Explain explainCommand `cmd:"" help:"Tell in words what happened to a contact, and for each offer why this agent and why then."`
	Replay  replayCommand  `cmd:"" help:"Let the engine decide again what the journal recorded, and compare every event."`
	Report  struct {
		Calls    reportCallsCommand    `cmd:"" help:"Print the figures of a line's calls of one day."`
		Contacts reportContactsCommand `cmd:"" help:"Print the figures of all contacts, by channel, line and audience."`
	} `cmd:"" help:"Print figures."`
	Simulate simulateCommand `cmd:"" help:"Run the queue's engine with a virtual clock: what a day would be like, and how many agents it needs."`
}

// global are the flags of every command.
type global struct {
	Data      string `help:"The one directory that everything is written to." default:"${data}" type:"path" env:"SVAR_DATA"`
	Config    string `help:"A configuration file; it needs to hold only what differs from the defaults." type:"path" env:"SVAR_CONFIG"`
	LogLevel  string `help:"debug, info, warn or error; by default what the configuration says (log.level)." enum:",debug,info,warn,error" default:""`
	LogFormat string `help:"json, console for people, or auto: console on a terminal; by default what the configuration says (log.format)." enum:",json,console,auto" default:""`
}

func (g *global) load() (configs.Config, error) { return configs.Load(g.Config, os.LookupEnv) }

type serveCommand struct{}

// Run implements the command.
func (serveCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	begun := time.Now()
	tune()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // from the first on: unheard, it would end the process
	defer signal.Stop(hangups)
	config, err := g.load()
	if err != nil {
		return err
	}
	log := newLog(os.Stderr, config.Log, g.LogLevel, g.LogFormat)
	for _, warning := range config.Warnings {
		log.Warn().Msg(warning)
	}
	app, err := Start(ctx, Options{Data: g.Data, Config: config, Log: log, Load: g.load, Hangups: hangups})
	if err != nil {
		return err
	}
	greet(out, app, time.Since(begun))
	supervisor := newService(log)
	supervisor.ready()
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var watchdog sync.WaitGroup
	watchdog.Go(func() { supervisor.watchdog(watching) })
	err = app.Run(ctx)
	supervisor.stopping()
	_, _ = fmt.Fprintln(out, "Ending: calls are given up to call-backs, then everything stops.")
	err = errors.Join(err, app.Close())
	unwatch()
	watchdog.Wait()
	return err
}

// greet prints where everything is.
func greet(out io.Writer, app *App, took time.Duration) {
	config := app.options.Config
	web := "http://" + reachable(app.HTTPAddress())
	if secure := app.HTTPSAddress(); secure != nil {
		web = "https://" + reachable(secure)
	}
	p := func(format string, values ...any) { _, _ = fmt.Fprintf(out, format+"\n", values...) }
	p("Svar is ready after %.2f s.", took.Seconds())
	p("  Console  %s/console", web)
	p("  Portal   %s/", web)
	for _, line := range config.Lines {
		p("  Phone    sip:%s@%s  (%s)", line.Number, app.phone.Address(), line.Name["sv"])
	}
	for _, topic := range config.Chat.Topics {
		p("  Chat     <script src=\"%s/widget.js\" data-topic=\"%s\"></script>  (%s)", web, topic.ID, topic.Name["sv"])
	}
	for _, box := range config.Mail.Mailboxes {
		p("  E-mail   %s  (%s)", box.Address, box.Name["sv"])
	}
	p("  API      %s/api/v1/openapi.json", web)
	if by, is := app.certificates.(*selfSigned); is {
		leaf, _ := by.shown()
		p("  Proof    the certificate signs itself; compare what browsers show of it (SHA-256) with %s", fingerprint(leaf))
	}
	p("  Watch    %s/readyz, /metrics, /healthz", web)
	p("  Data     %s", app.options.Data)
	if config.Demo {
		var names, users []string
		for _, account := range identity.DemoAccounts() {
			names = append(names, account.Name)
		}
		for _, user := range identity.DemoUsers() {
			users = append(users, user.Name)
		}
		p("  Demo     sign in to the console as %s, to the portal as %s; the password is %s",
			strings.Join(names, ", "), strings.Join(users, ", "), identity.DemoPassword)
	}
}

// reachable writes an address as people can open it: one that stands for all of this machine's
// has its name instead.
func reachable(address net.Addr) string {
	at, err := netip.ParseAddrPort(address.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return address.String()
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "localhost"
	}
	return net.JoinHostPort(name, strconv.Itoa(int(at.Port())))
}

type checkCommand struct{}

// Run implements the command.
func (checkCommand) Run(out io.Writer, g *global) error {
	config, err := g.load()
	if err != nil {
		return err
	}
	for _, warning := range config.Warnings {
		if _, err := fmt.Fprintf(out, "Warning: %s\n", warning); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "The configuration is right: %d lines, %d chat topics, %d mailboxes; every flow ends in the queue while the desk is open.\n",
		len(config.Lines), len(config.Chat.Topics), len(config.Mail.Mailboxes))
	return err
}

type migrateCommand struct{}

// Run implements the command.
func (migrateCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	return withStore(ctx, g, func(*store.Store) error {
		_, err := fmt.Fprintln(out, "The database has the newest schema.")
		return err
	})
}

// withStore opens the database of the configuration, or the private one of the data
// directory, started for the time being if no server runs.
func withStore(ctx context.Context, g *global, do func(*store.Store) error) (err error) {
	config, err := g.load()
	if err != nil {
		return err
	}
	database := config.Database.URL
	if database == "" {
		attached, err := private.Attach(ctx, private.Config{Dir: filepath.Join(g.Data, "postgres"), Log: zerolog.Nop()})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, attached.Close(context.WithoutCancel(ctx))) }()
		database = attached.ConnString()
	}
	if err := store.Migrate(ctx, database); err != nil {
		return err
	}
	opened, err := store.Open(ctx, database)
	if err != nil {
		return err
	}
	defer opened.Close()
	return do(opened)
}

type importPeopleCommand struct {
	File string `arg:"" help:"CSV with the columns id, name, role, title, school, numbers, protected." type:"existingfile"`
}

// Run implements the command.
func (c importPeopleCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	people, err := identity.ParsePeople(file)
	if err != nil {
		return fmt.Errorf("%s is not imported, nothing was changed: %w", c.File, err)
	}
	return withStore(ctx, g, func(s *store.Store) error {
		if err := s.ReplacePeople(ctx, people); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "The directory now has the %d people of %s.\n", len(people), c.File)
		return err
	})
}

type userAddCommand struct {
	Name    string   `arg:"" help:"The login name."`
	Role    string   `help:"agent, supervisor or administrator." enum:"agent,supervisor,administrator" default:"agent"`
	Display string   `help:"The name that colleagues see; the login name when not given."`
	Skill   []string `help:"A skill with its level 1–5, as staff=4. Repeatable." placeholder:"NAME=LEVEL"`
	// Reserved is one of [identity.ReservedClasses].
	Reserved string `help:"Ask the agent only for contacts of this class and above: resident-impact or priority (the priority line)." enum:",resident-impact,priority" default:""`
}

// Run implements the command.
func (c userAddCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	account := identity.Account{Name: c.Name, DisplayName: c.Display, Role: identity.Role(c.Role), Active: true, Reserved: c.Reserved}
	if account.DisplayName == "" {
		account.DisplayName = c.Name
	}
	var needs []contact.Need
	for _, text := range c.Skill {
		name, level, _ := strings.Cut(text, "=")
		n, err := strconv.ParseUint(level, 10, 8)
		if err != nil {
			return fmt.Errorf("--skill %s: write it as NAME=LEVEL, with a level from 1 to 5", text)
		}
		needs = append(needs, contact.Need{Skill: contact.SkillID(name), Level: uint8(n)})
	}
	for _, need := range contact.NewNeeds(needs...) {
		account.Skills = append(account.Skills, identity.Skill{Name: string(need.Skill), Level: need.Level})
	}
	if err := account.Check(); err != nil {
		return err
	}
	password, err := readPassword(os.Stdin)
	if err != nil {
		return err
	}
	if account.PasswordHash, err = identity.HashPassword(password); err != nil {
		return err
	}
	return withStore(ctx, g, func(s *store.Store) error {
		if err := s.AddAccounts(ctx, time.Now(), account); err != nil {
			return fmt.Errorf("%s: %w", account.Name, err)
		}
		_, err := fmt.Fprintf(out, "%s may sign in as %s.\n", account.Name, account.Role)
		return err
	})
}

func readPassword(in io.Reader) (string, error) {
	const most = 1024
	data, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password, _, _ := strings.Cut(string(data), "\n")
	password = strings.TrimSuffix(password, "\r")
	return password, identity.CheckNewPassword(password)
}
