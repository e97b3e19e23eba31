package handlers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/a-h/templ"
)

// TestBrokenFrameIsTold: a fragment or an event that can not be made ends in the log, not in an empty one.
func TestBrokenFrameIsTold(t *testing.T) {
	for name, draw := range map[string]func(){
		"fragment": func() {
			render(templ.ComponentFunc(func(context.Context, io.Writer) error { return errors.New("broken") }))
		},
		"event": func() { writeJSONEvent(new(bytes.Buffer), "check", make(chan int)) },
	} {
		h := liteHouse(t)
		h.s.hub.safely(draw)
		if log := h.log.all(); log == "" {
			t.Errorf("%s: got nothing in the log, want one line", name)
		}
	}
}
