package simulate_test

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"svar/queue/simulate"
)

// Values that can be reckoned by hand, and those of published tables.
func TestErlangFormulas(t *testing.T) {
	t.Parallel()
	check := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 5e-5*max(1, want) {
			t.Errorf("%s: got %.6f, want %.6f", name, got, want)
		}
	}
	one := simulate.ErlangC(1, 0.8) // M/M/1: P(wait) = ρ, mean wait = ρ/(1−ρ)
	check("M/M/1 P(wait)", one.Delayed, 0.8)
	check("M/M/1 wait", one.Wait, 4)
	two := simulate.ErlangC(2, 1) // M/M/2 at ρ = 1/2: P(wait) = 1/3
	check("M/M/2 P(wait)", two.Delayed, 1.0/3)
	check("M/M/2 wait", two.Wait, 1.0/3)
	// 100 calls in half an hour of 180 s each are 10 erlang; 14 agents: the textbook's 88.8 % in 20 s.
	check("P(wait) of 10 erlang, 14 agents", simulate.ErlangC(14, 10).Delayed, 0.17413)
	check("within 20 s", simulate.Answered(14, 10, 20.0/180), 0.88835)
	// With patience as long as a contact on average, M/M/c+M is M/M/∞: Poisson states.
	sum, term := 0.0, math.Exp(-2.0)
	for n := range 3 {
		sum += term
		term *= 2 / float64(n+1)
	}
	check("M/M/3+M P(wait)", simulate.ErlangA(3, 2, 1).Delayed, 1-sum)
	// Users of great patience make Erlang A Erlang C.
	check("patient Erlang A", simulate.ErlangA(5, 4, 1e9).Wait, simulate.ErlangC(5, 4).Wait)
	// Who is not served leaves: abandonment balances the load.
	over := simulate.ErlangA(100, 120, 1)
	if over.Abandoned < 20.0/120-1e-3 || over.Abandoned > 0.2 {
		t.Errorf("at 120 %% load %.4f leave", over.Abandoned)
	}
	if !math.IsInf(simulate.ErlangC(3, 3).Wait, 1) {
		t.Error("a queue at full load has an end")
	}
}

// The engine, simulated, does what theory says, and docs/erlang.md says what it does. The quick cells are run here;
// `make erlang` runs all and writes the table anew.
func TestSimulationAgreesWithTheory(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../docs/erlang.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range simulate.Cells() {
		row := fmt.Sprintf("| %d | %.0f %% |", cell.Agents, 100*cell.Load)
		if !strings.Contains(string(table), row) {
			t.Errorf("docs/erlang.md has no row for %s: run make erlang", row)
		}
		if !isQuick(cell) {
			continue
		}
		t.Run(fmt.Sprintf("%d agents at %.0f %%, patient %v", cell.Agents, 100*cell.Load, cell.Patient), func(t *testing.T) {
			t.Parallel()
			proof, err := cell.Prove()
			if err != nil {
				t.Fatal(err)
			}
			if !proof.Agrees() {
				t.Errorf("theory lies outside of the interval:\n%s", proof)
			}
			// Other processors round the logarithms of chance otherwise.
			if runtime.GOARCH == "amd64" && !strings.Contains(string(table), proof.String()+"\n") {
				t.Errorf("docs/erlang.md does not have this row; run make erlang:\n%s", proof)
			}
		})
	}
	if strings.Contains(string(table), "**no**") {
		t.Error("docs/erlang.md has a queue that does not agree")
	}
}

// isQuick picks cells of every size that take half a second each; one of each kind where every step costs more.
func isQuick(c simulate.Cell) bool {
	if underRace {
		return c.Agents == 5 && (c.Load == 0.50 || c.Load == 1.20)
	}
	if c.Patient {
		return c.Load == 0.50 && c.Agents <= 10 || c.Load == 0.80
	}
	return c.Load == 0.95 || c.Load == 1.20
}
