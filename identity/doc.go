// Package identity owns who is who: the people that the desk serves, their telephone
// numbers, what a call tells of its caller, the accounts of those who sign in, and the
// tokens that prove a sign-in.
//
// Two kinds of people meet here and are kept apart. A [Person] is somebody who contacts the
// desk (a staff member, a pupil, a guardian …); he is found by number in a [Directory]. An
// [Account] is somebody who works at it and signs in.
//
// A caller's number is what the telephone network says, never proof of who is calling: the
// highest [Verification] that a number alone gives is [NumberKnown] (row 5.2p). A number that
// its caller withheld is dropped by [IdentifyCaller] before anybody can store it (row D2), and
// [PresentCaller] and [Person.View] are the ways by which a person reaches a screen, so that
// protected people stay masked (row D1).
//
// The package is pure: it does no I/O except reading an [io.Reader], starts no goroutine and
// takes the time as an argument. It does not own where people and accounts are stored, the
// rights to order things (grants come with the portal), or which agent is present and has
// capacity: that is routing.
package identity
