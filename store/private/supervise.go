package private

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// againSoon is the pause before a server that ended by itself is started again, againAtMost the longest
	// one, while starting it fails.
	againSoon   = 100 * time.Millisecond
	againAtMost = 15 * time.Second
	// steady is how long a server must have run for the next pause to be a short one.
	steady = time.Minute
)

// supervise owns the end: it starts a server that ended by itself again, and after Stop it gives the lock back when the
// last process of the server is gone.
func (c *Cluster) supervise() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = againSoon, againAtMost
	begun := time.Now()
	for {
		server := c.current()
		<-server.ended
		if c.life.Err() != nil {
			c.err = server.err
			break
		}
		c.fail(&ServerError{
			Doing:  "running the database",
			Advice: "It is started again: what was committed is kept.",
			Lines:  c.output.lastLines(),
			Exit:   exitReason(server.err),
		})
		c.log.Error().Err(server.err).Msg("database ended unexpectedly; it is started again")
		if time.Since(begun) > steady {
			pause.Reset()
		}
		if !c.startAgain(pause) {
			break
		}
		begun = time.Now()
	}
	c.fail(nil)
	c.output.close()
	if err := c.lock.Release(); err != nil {
		c.log.Warn().Err(err).Msg("the lock of the database's directory could not be given back")
	}
	close(c.done)
}

// startAgain tries until the server runs; false after Stop, when none is left.
func (c *Cluster) startAgain(pause *backoff.ExponentialBackOff) bool {
	for {
		wait := time.NewTimer(pause.NextBackOff())
		select {
		case <-c.life.Done():
			wait.Stop()
			return false
		case <-wait.C:
		}
		begun := time.Now()
		err := c.again()
		switch {
		case c.life.Err() != nil:
			return false
		case err == nil:
			c.log.Info().Int("pid", c.current().pid()).Dur("took", time.Since(begun)).Msg("database started again")
			return true
		}
		c.fail(err)
		c.log.Error().Err(err).Msg("database could not be started again; it is tried again")
	}
}

// again starts the server on what the last one left.
func (c *Cluster) again() error {
	if err := clearLeftovers(c.life, c.run.place.cluster(), c.run.as); err != nil {
		return err
	}
	// The lock file of the last socket names a process id that may be somebody else's by now.
	if err := c.run.place.clearSocket(c.run.socket, c.run.as); err != nil {
		return err
	}
	server, err := c.launch(c.life)
	if err != nil {
		return err
	}
	if !c.take(server) {
		endChild(server)
		return c.life.Err()
	}
	return nil
}

// take makes the server the one that Stop ends, unless Stop has come before.
func (c *Cluster) take(server *child) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.life.Err() != nil {
		return false
	}
	c.server, c.failure = server, nil
	return true
}

func (c *Cluster) fail(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.failure = err
}
