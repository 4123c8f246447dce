package agentui

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"testing"
)

// fakeConfiguration answers as it is told.
type fakeConfiguration struct {
	mutex    sync.Mutex
	reloaded Reloaded
	err      error
	read     int
}

func (c *fakeConfiguration) Reload(context.Context) (Reloaded, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.read++
	return c.reloaded, c.err
}

const reloadPath = "/api/v1/configuration/reload"

func TestOnlyAdministratorsHaveTheConfigurationReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.reloaded = Reloaded{Changed: []string{"desk.rise_after"}, Restart: []string{"http.address"}}
	for account, want := range map[string]int{"": http.StatusUnauthorized, "anna": http.StatusForbidden, "eva": http.StatusForbidden} {
		token := ""
		if account != "" {
			token = w.token(account)
		}
		wantProblem(t, account, w.do("POST", reloadPath, token, nil), want)
	}
	if w.settings.read != 0 {
		t.Errorf("the configuration was read %d times by others", w.settings.read)
	}
	got := decode[Reloaded](t, w.do("POST", reloadPath, w.token("adam"), nil))
	if want := (Reloaded{Changed: []string{"desk.rise_after"}, Restart: []string{"http.address"}, Warnings: []string{}}); !reflect.DeepEqual(got, want) {
		t.Errorf("the answer is %+v, want %+v", got, want)
	}
}

func TestFaultsOfTheConfigurationAreToldByTheirPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.err = WrongConfiguration{"svar.yaml:3:4: no such group", "svar.yaml:9:1: no such line"}
	p := wantProblem(t, "a bad file", w.do("POST", reloadPath, w.token("adam"), nil), http.StatusUnprocessableEntity)
	if len(p.Errors) != 2 || p.Errors[0].Message != "svar.yaml:3:4: no such group" || p.Errors[1].Message != "svar.yaml:9:1: no such line" {
		t.Errorf("the faults are %+v", p.Errors)
	}
	w.settings.err = errFake
	wantProblem(t, "no dispatcher", w.do("POST", reloadPath, w.token("adam"), nil), http.StatusServiceUnavailable)
}
