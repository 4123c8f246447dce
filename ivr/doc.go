// Package ivr says what happens to a contact on a line before the queue and while it
// waits there: a flow, written as data and interpreted purely.
//
// A [Flow] is a list of steps, with branches by opening hours and by the key that a caller
// presses. [Flow.Check] walks every branch and proves that it ends in the queue, since a
// user who chose a contact path may not be refused (requirement 3.1f); only while the desk
// is closed may a flow close. A [Run] walks one flow for one contact: the switchboard
// carries out the action that [Run.Next] names, then asks for the next one and says what
// happened meanwhile. Package ivr holds no leg, plays no sound and asks no clock.
package ivr
