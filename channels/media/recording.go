package media

// Recording is a talk in a file.
type Recording struct{}

func (r *Recording) add(left, right *[mixFrame]int32) {}
