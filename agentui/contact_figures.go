package agentui

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"svar/contact"
	"svar/report"
)

// ContactFigures counts contacts by the measures of package report; the store is one.
type ContactFigures interface {
	ContactFigures(ctx context.Context, q report.Query) ([]report.Row, error)
}

// FiguresInput is what figures are asked for; it is exported for huma.
type FiguresInput struct {
	SessionInput
	From     string `query:"from" doc:"The first day, in Europe/Stockholm; today by default" format:"date"`
	To       string `query:"to" doc:"The last day; the first one by default" format:"date"`
	By       string `query:"by" enum:"hour,day,month,total" default:"total"`
	Channel  string `query:"channel" enum:"voice,chat,mail,form"`
	Line     string `query:"line" maxLength:"64"`
	Audience string `query:"audience" maxLength:"32"`
}

// The longest time that figures may be asked for, in days.
const (
	maxFigureDays = 400
	maxHourDays   = 31
)

const day = 24 * time.Hour

// query reads what figures are asked for.
func (u *UI) query(in *FiguresInput) (report.Query, error) {
	now := u.config.Now()
	from, to := report.Day(now)
	var err error
	wrong := func(field, what string) error {
		return huma.Error422UnprocessableEntity(field+" "+what, &huma.ErrorDetail{Location: "query." + field, Message: what})
	}
	if in.From != "" {
		if from, to, err = report.ParseDay(in.From); err != nil {
			return report.Query{}, wrong("from", "is not a day like 2026-11-24")
		}
	}
	if in.To != "" {
		if _, to, err = report.ParseDay(in.To); err != nil {
			return report.Query{}, wrong("to", "is not a day like 2026-11-24")
		}
	}
	limit := maxFigureDays
	if in.By == string(report.Hour) {
		limit = maxHourDays
	}
	switch days := int(to.Sub(from).Round(day) / day); {
	case days <= 0:
		return report.Query{}, wrong("to", "is before from")
	case days > limit:
		return report.Query{}, wrong("from", fmt.Sprintf("is more than %d days before to", limit))
	}
	return report.Query{
		From: from, To: to, By: report.Interval(in.By), Channel: contact.Channel(in.Channel),
		Line: contact.LineID(in.Line), Audience: contact.Audience(in.Audience), Now: now,
	}, nil
}

// figuresInput asks for a page of rows. What is counted is one moment's: pages that are asked
// for while contacts come in may differ by those.
type figuresInput struct {
	FiguresInput
	After int `query:"after" minimum:"0" maximum:"1000000" doc:"What the page before had as next"`
	Limit int `query:"limit" minimum:"1" maximum:"5000" default:"2000"`
}

type figuresOutput struct {
	Body struct {
		Rows []report.Row `json:"rows" nullable:"false"`
		Next int          `json:"next,omitempty" doc:"What to ask for the next page with; absent on the last one"`
		// Formula is the version of the measures' definitions.
		Formula int `json:"formula"`
	}
}

func (u *UI) readFigures(ctx context.Context, in *FiguresInput) (report.Query, []report.Row, error) {
	if _, err := u.requireSupervisor(in.SessionInput, "read the figures of all"); err != nil {
		return report.Query{}, nil, err
	}
	query, err := u.query(in)
	if err != nil {
		return query, nil, err
	}
	rows, err := u.config.ContactFigures.ContactFigures(ctx, query)
	if err != nil {
		return query, nil, u.unavailable(err, "the figures could not be counted")
	}
	return query, rows, nil
}

func (u *UI) listFigures(ctx context.Context, in *figuresInput) (*figuresOutput, error) {
	_, rows, err := u.readFigures(ctx, &in.FiguresInput)
	if err != nil {
		return nil, err
	}
	rows = rows[min(in.After, len(rows)):]
	out := &figuresOutput{}
	if len(rows) > in.Limit {
		rows, out.Body.Next = rows[:in.Limit], in.After+in.Limit
	}
	out.Body.Rows, out.Body.Formula = listOf(rows), report.Formula
	return out, nil
}

// exportFigures serves the figures as Swedish spreadsheets read them: semicolons between,
// comma in numbers, and a mark that says that it is UTF-8.
func (u *UI) exportFigures(ctx context.Context, in *FiguresInput) (*rawOutput, error) {
	query, rows, err := u.readFigures(ctx, in)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	file.WriteString("\ufeff")
	sheet := csv.NewWriter(&file)
	sheet.Comma, sheet.UseCRLF = ';', true
	stages := report.Stages()
	_ = sheet.Write(figureHeads(stages)) // to memory: it cannot fail
	for _, row := range rows {
		_ = sheet.Write(figureCells(row, query.By, stages))
	}
	sheet.Flush()
	name := fmt.Sprintf("kontakter-%s-%s.csv", query.From.Format("20060102"), query.To.Add(-time.Second).In(query.From.Location()).Format("20060102"))
	return &rawOutput{
		ContentType: "text/csv; charset=utf-8", Policy: filePolicy, Disposition: `attachment; filename="` + name + `"`, Body: file.Bytes(),
	}, nil
}

// figureHeads are the heads of the columns. Seconds are waited, from arrival and from the queue, and
// handled: talk, hold, wrap-up, and all of these.
func figureHeads(stages []contact.Stage) []string {
	heads := []string{"start", "kanal", "linje", "målgrupp", "inkomna", "besvarade", "utan svar", "överlämnade", "kopplade kontakter", "kopplingar"}
	for _, stage := range stages {
		heads = append(heads, "tappade: "+string(stage))
	}
	heads = append(heads, "tappade inom 5 s", "återuppringda", "att ringa upp", "nådda", "uppringningar", "ringde igen", "stängt", "avvisade", "avbrutna", "öppna")
	for _, of := range []string{"från ankomst", "från kön", "samtal", "vänteläge", "efterarbete", "hantering"} {
		heads = append(heads, "n "+of, "medel s "+of, "median s "+of, "p90 s "+of, "max s "+of)
	}
	return append(heads, "efterarbete gick ut", "inom mål", "av", "strikt inom mål", "strikt av", "egna samtal", "egna nådda", "formel")
}

func figureCells(row report.Row, by report.Interval, stages []contact.Stage) []string {
	layout := map[report.Interval]string{report.Hour: "2006-01-02 15:04 -0700", report.Month: "2006-01"}[by]
	if layout == "" {
		layout = "2006-01-02"
	}
	cells := []string{row.Start.Format(layout), inert(string(row.Channel)), inert(string(row.Line)), inert(string(row.Audience))}
	count := func(numbers ...int) {
		for _, n := range numbers {
			cells = append(cells, strconv.Itoa(n))
		}
	}
	count(row.Offered, row.Answered, row.Unreplied, row.HandedOver, row.Transferred, row.Transfers)
	short := 0
	for _, stage := range stages {
		left := 0
		for _, abandoned := range row.Abandoned {
			if abandoned.Stage == stage {
				left, short = left+abandoned.Count, short+abandoned.Short
			}
		}
		count(left)
	}
	count(short, row.CalledBack, row.Callbacks.Contacts, row.Callbacks.Reached, row.Callbacks.Tries, row.Callbacks.Rejoined, row.OutsideHours, row.Refused, row.Dropped, row.Open)
	for _, t := range []report.Times{
		row.FromArrival, row.FromQueue, row.Handling.Talk, row.Handling.Held, row.Handling.WrapUp, row.Handling.Total,
	} {
		count(t.N)
		for _, waited := range []contact.Millis{t.Mean, t.Median, t.P90, t.Max} {
			cells = append(cells, strings.Replace(strconv.FormatFloat(float64(waited)/1000, 'f', 1, 64), ".", ",", 1))
		}
	}
	count(row.Handling.Lapsed, row.WithinTarget, row.Answerable, row.StrictWithin, row.StrictAnswerable, row.Outgoing.Calls, row.Outgoing.Reached, report.Formula)
	return cells
}

// inert keeps a spreadsheet from taking a cell for a formula.
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
		return "'" + cell
	}
	return cell
}
