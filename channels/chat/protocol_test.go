package chat

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"svar/contact"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is written now")

const someID = "0193a5b0-0000-4000-8000-000000000001"

var someRequests = []request{
	{Hello: &hello{Topic: "chat-staff", Language: "sv"}},
	{Hello: &hello{Topic: "chat-staff", Language: "en", Resume: "pFJ2lQ0mE8mQy3b1Yv1qXwH7y0p2m3n4b5v6c7x8z9A", After: 17}},
	{Hello: &hello{Topic: "chat-staff", Language: "sv", Follows: "pFJ2lQ0mE8mQy3b1Yv1qXwH7y0p2m3n4b5v6c7x8z9A"}},
	{Send: &sendLine{ID: someID, Text: "Hej på dig"}},
	{End: &struct{}{}},
	{Leave: &leave{ID: someID, Text: "Skrivaren är trasig"}},
	{Leave: &leave{ID: someID, Text: "Skrivaren är trasig", Name: "Kim", Address: "kim@example.com"}},
}

var someMessages = []message{
	{Welcome: &welcome{Token: "pFJ2lQ0mE8mQy3b1Yv1qXwH7y0p2m3n4b5v6c7x8z9A", Resumed: true, Name: "Medarbetare", Language: "sv", Languages: []string{"sv", "en"}}},
	{Desk: &desk{Open: true, Notices: []shownNotice{}}},
	{Desk: &desk{Opens: 1_764_054_000_000, Notices: []shownNotice{{ID: someID, Text: "Nätet är nere"}}}},
	{Lines: []shownLine{
		{Sequence: 17, ID: someID, From: contact.PartyCaller, Kind: contact.ChatText, Text: "Hej på dig", At: 1_764_054_000_000},
		{Sequence: 19, ID: someID, From: contact.PartyAgent, Kind: contact.ChatJoined, At: 1_764_054_001_000},
	}},
	{State: stateWaiting},
	{State: stateJoined},
	{State: stateEnded},
	{Ack: &ack{ID: someID, Sequence: 17}},
	{Left: &left{ID: someID, Ticket: "SD-100234"}},
	{Refused: &refused{Code: refusedTooFast, ID: someID}},
}

// Pages that are open while the server is replaced speak what these files hold. The page's own
// tests read them too.
func TestFormsAreThoseOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	record := legRecord{Version: 1, Contact: someID, Topic: "chat-staff", Language: "sv", Token: bytes.Repeat([]byte{7}, 32)}
	for name, test := range map[string]struct{ value, into any }{
		"requests":   {someRequests, new([]request)},
		"messages":   {someMessages, new([]message)},
		"leg-record": {record, new(legRecord)},
	} {
		encoded, err := json.MarshalIndent(test.value, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".golden.json")
		if *update {
			if err := os.WriteFile(path, append(encoded, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded, bytes.TrimSpace(golden)) {
			t.Errorf("%s are written now\n%s\nthe golden file has\n%s", name, encoded, golden)
		}
		if err := json.Unmarshal(golden, test.into); err != nil {
			t.Fatal(err)
		}
		if read := reflect.ValueOf(test.into).Elem().Interface(); !reflect.DeepEqual(read, test.value) {
			t.Errorf("%s are read as\n%+v", name, read)
		}
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "leg-record.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := decodeLegRecord(golden); err != nil {
		t.Error(err)
	}
}

// Nothing that a visitor is shown names who answers.
func TestAVisitorIsNotToldWhoAnswers(t *testing.T) {
	t.Parallel()
	line := contact.KeptLine{Sequence: 1, ChatLine: contact.ChatLine{ID: someID, From: contact.PartyAgent, Kind: contact.ChatText, Text: "Hej", Agent: "anna"}}
	data, err := json.Marshal(message{Lines: []shownLine{shown(line)}})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("anna")) {
		t.Errorf("shown is %s", data)
	}
}
