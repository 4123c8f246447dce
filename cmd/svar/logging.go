package main

import (
	"cmp"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"

	"svar/configs"
)

// newLog is the one place where the log is made: to standard error, by the configuration, which
// flags override. A line holds no personal data; that of a contact holds its id.
func newLog(out *os.File, settings configs.Log, level, format string) zerolog.Logger {
	return logTo(out, isTerminal(out), configs.Log{Level: cmp.Or(level, settings.Level), Format: cmp.Or(format, settings.Format)})
}

func logTo(out io.Writer, terminal bool, settings configs.Log) zerolog.Logger {
	if settings.Format == configs.LogConsole || settings.Format == configs.LogAuto && terminal {
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: time.TimeOnly, NoColor: !terminal}
	}
	level, err := zerolog.ParseLevel(settings.Level)
	if err != nil {
		level = zerolog.InfoLevel // the configuration was checked
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger()
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
