// Package simulate runs the engine of package queue, not a model of it, with a virtual clock.
//
// [Run] plays a [Scenario], which is arrivals by interval, patience, handling times and a roster, for one
// seed, and reports what came of it per interval and stream. [Staff] asks the same engine how many agents each
// interval needs. [ErlangC] and [ErlangA] are the exact formulas that the simulation is held against
// ([Prove], docs/erlang.md).
//
// The package owns what people do: when they come, how long they stay, when agents work. What is
// decided is the engine's alone. It is pure: the seed is an argument, and the same scenario and seed give the same
// result. Floats are for chance and for figures; the engine gets integers.
package simulate
