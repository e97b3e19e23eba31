package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/singleflight"
)

// sharedReads lets all who ask for the same thing at the same time wait for one read of it, and for nothing else.
type sharedReads struct {
	log     *slog.Logger
	flights singleflight.Group

	mu     sync.Mutex
	closed bool
	work   int
	over   chan struct{} // closed with the last read, once there are no more; nil before close
}

// shareRead returns what read returns, of the caller or of somebody else who asked with the same key. The read goes on for the others
// when the caller's context ends: it has requestTime of its own. Nobody writes to what comes back. Errors: read's, ctx's.
func shareRead[V any](ctx context.Context, r *sharedReads, key string, read func(context.Context) (V, error)) (V, error) {
	var none V
	if err := ctx.Err(); err != nil {
		return none, err
	}
	result := r.flights.DoChan(key, func() (found any, err error) {
		if !r.begin() {
			return none, fiber.NewError(fiber.StatusServiceUnavailable, "Echolot is stopping")
		}
		defer r.end()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
		defer cancel()
		defer func() { // no request's recovery reaches a panic here
			if p := recover(); p != nil {
				r.log.Error("panic while reading for visitors", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				err = errNotDrawn()
			}
		}()
		return read(ctx)
	})
	select {
	case got := <-result:
		v, _ := got.Val.(V)
		return v, got.Err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// begin tells whether there may be another read; the caller ends it with end.
func (r *sharedReads) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.work++
	}
	return !r.closed
}

func (r *sharedReads) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.work--; r.work == 0 && r.closed {
		close(r.over)
	}
}

// close waits for the reads at work, until ctx ends; there are no more after it.
func (r *sharedReads) close(ctx context.Context) {
	r.mu.Lock()
	if !r.closed {
		r.closed, r.over = true, make(chan struct{})
		if r.work == 0 {
			close(r.over)
		}
	}
	r.mu.Unlock()
	select {
	case <-r.over:
	case <-ctx.Done():
		r.log.Warn("reads for visitors did not end in time")
	}
}
