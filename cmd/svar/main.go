// Svar is a contact centre in one binary: calls, chats, mails and forms become contacts in
// one queue. docs/contact-path.md tells the way of one contact through it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run carries out one command line and returns the exit status: 0 done, 1 it failed,
// 2 the command line is wrong.
func run(ctx context.Context, arguments []string, out, complaints io.Writer) int {
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("svar"), kong.Description("A contact centre in one binary."),
		kong.Writers(out, complaints), kong.UsageOnError(),
		kong.Exit(func(int) {}),
		kong.Vars{"data": defaultData()},
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)),
	)
	if err != nil {
		_, _ = fmt.Fprintln(complaints, "svar:", err)
		return 2
	}
	if asksForHelp(arguments) {
		_, _ = parser.Parse(arguments)
		return 0
	}
	command, err := parser.Parse(arguments)
	if err != nil {
		_, _ = fmt.Fprintf(complaints, "svar: %v; see svar --help\n", err)
		return 2
	}
	if err := command.Run(&line.global); err != nil {
		for text := range strings.SplitSeq(err.Error(), "\n") {
			_, _ = fmt.Fprintln(complaints, "svar:", text)
		}
		return 1
	}
	return 0
}

func asksForHelp(arguments []string) bool {
	for _, argument := range arguments {
		if argument == "--help" || argument == "-h" {
			return true
		}
	}
	return false
}

// defaultData is one directory; as root it is one that the database's own user can reach.
func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/svar"
	}
	return "data"
}
