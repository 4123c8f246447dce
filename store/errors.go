package store

import "errors"

// ErrNotFound: there is nothing of that name.
var ErrNotFound = errors.New("there is nothing of that name")

// ErrPermanent is what a handler's error wraps when trying again cannot help: nobody has that
// address.
var ErrPermanent = errors.New("it will never succeed")
