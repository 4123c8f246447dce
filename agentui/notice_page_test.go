package agentui

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"svar/contact"
)

// Both logs come in pages of the newest first; of what was written at one moment nothing is
// left out, and nothing comes twice.
func TestNoticeLogComesInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 23 {
		at, id := contact.Instant(1_000_000-i/3), fmt.Sprintf("id-%02d", 99-i)
		want = append(want, id)
		if i%4 == 1 {
			w.notices.log.Embargoes = append(w.notices.log.Embargoes, contact.Embargo{ID: contact.EmbargoID(id), From: at})
		} else {
			w.notices.log.Notices = append(w.notices.log.Notices, contact.Notice{ID: contact.NoticeID(id), Published: at})
		}
	}
	for _, limit := range []int{1, 2, 5, 22, 23, 24, 200} {
		var got []string
		query := fmt.Sprint("?limit=", limit)
		for pages := 0; ; pages++ {
			r := w.do("GET", "/api/v1/notices"+query, w.token("eva"), nil)
			if r.Code != http.StatusOK || pages > 30 {
				t.Fatalf("%s: %d %s", query, r.Code, r.Body)
			}
			body := decode[struct {
				Log        []struct{ ID string }
				EmbargoLog []struct{ ID string }
				Next       string
			}](t, r)
			page := []string{}
			for _, row := range slices.Concat(body.Log, body.EmbargoLog) {
				page = append(page, row.ID)
			}
			if len(page) > limit {
				t.Errorf("%d in a page of %d", len(page), limit)
			}
			slices.Sort(page)
			slices.Reverse(page) // newer ids are greater here
			got = append(got, page...)
			if body.Next == "" {
				break
			}
			query = fmt.Sprint("?limit=", limit, "&before=", body.Next)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v; want %v", limit, got, want)
		}
	}
	for _, before := range []string{"x", "1", ".a", "-1.a", "0.a", "99999999999999999999.a", "9999999999999999.a", "1." + strings.Repeat("a", maxUUID+1), "1.%01"} {
		wantProblem(t, before, w.do("GET", "/api/v1/notices?before="+before, w.token("eva"), nil), http.StatusUnprocessableEntity)
	}
}
