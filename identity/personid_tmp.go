// Temporary until person.go defines it: delete this file then.
package identity

// PersonID names a person of the directory.
type PersonID string
