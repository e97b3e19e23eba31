package views

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"
)

// What stands in every row many times over is written by hand: the generated code formats each value by itself, and
// fifty rows have a thousand of them.

// pieces writes text that is ours: constants, or values that were escaped by the caller.
func pieces(texts ...string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		for _, t := range texts {
			if _, err := io.WriteString(w, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// icon draws one symbol of the sprite, in the colour of the text around it. Its name is a constant of ours.
func icon(name string) templ.Component {
	return pieces(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-`, name, `"/></svg>`)
}

// shape draws a state's shape in its colour. The kind is one of ours.
func shape(kind string) templ.Component {
	return pieces(`<svg class="st `, kind, `" viewBox="0 0 16 16" aria-hidden="true"><use href="#s-`, kind, `"/></svg>`)
}

// state draws a state's shape and word; only down is ever a filled label. Both are ours.
func state(kind, word string, filled bool) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := w.Write(appendState(nil, kind, word, filled))
		return err
	})
}

// moment tells a moment as seen from now; the exact one is its title. app.js puts both into the reader's zone and keeps them
// current.
func moment(t, now time.Time, rel string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := w.Write(appendMoment(nil, t, now, rel))
		return err
	})
}

// action is one button of a row's menu: it sends the form to the path, with the key that presses it where there is one. Symbol, text
// and key are constants of ours.
func action(path, symbol, text, key string) templ.Component {
	path = templ.EscapeString(path)
	hint, end := "", ""
	if key != "" {
		hint, end = ` data-key="`+key+`"`, `<span class="end">`+key+`</span>`
	}
	return pieces(`<button type="submit" formaction="`, path, `"`, hint, `><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-`,
		symbol, `"/></svg>`, text, end, `</button>`)
}
