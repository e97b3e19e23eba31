package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shotsVar names a directory for screenshots of the pages that the browser tests come by; empty: none are kept.
const shotsVar = "TEST_SHOTS"

// browser is Chromium with nothing of an earlier test in it.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// openBrowser starts Chromium; a machine without it fails the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("these tests need the Debian package chromium: %v", err)
	}
	// Chromium's helpers outlive it by a moment and write to its directory, which must be gone with the test.
	t.Cleanup(func() { chromedp.Cancel(ctx) })
	return &browser{t, ctx}
}

// tab is a page of its own: no other tab's cookies, and a record of what went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	troubles []string
	expected []*regexp.Regexp
	// charts and others are answers that wait; see holdCharts.
	charts, others []fetch.RequestID
}

// open opens a tab. When the test ends, everything that the console called an error or a warning, and every violation of
// the content policy, must have been expected.
func (b *browser) open(t *testing.T) *tab {
	t.Helper()
	p := &tab{t: t}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	t.Cleanup(cancel)
	p.ctx = ctx
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Errorf("the console says: %s", trouble)
		}
	})
	// The context of the first action is the tab's for good: it must have no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.trouble((&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			p.trouble(fmt.Sprintf("%s %s", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			p.trouble(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *fetch.EventRequestPaused:
		p.paused(e)
	case *page.EventJavascriptDialogOpening:
		p.trouble("a dialog opened: " + e.Message)
	}
}

func (p *tab) trouble(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.expected {
		if e.MatchString(text) {
			return
		}
	}
	p.troubles = append(p.troubles, text)
}

// expect lets the console say what the pattern finds: Chromium itself reports every answer of 400 and more.
func (p *tab) expect(pattern string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, regexp.MustCompile(pattern))
}

// do runs one action with a deadline.
func (p *tab) do(f func(ctx context.Context, target *chromedp.Target) error) {
	p.t.Helper()
	if err := p.try(chromedp.Func(f)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) try(a chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, a)
}

func (p *tab) must(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	for _, a := range actions {
		if err := p.try(a); err != nil {
			p.t.Fatal(err)
		}
	}
}

// goTo loads a page.
func (p *tab) goTo(url string) {
	p.t.Helper()
	p.must(chromedp.Navigate(url))
}

// caughtUp waits until a page with a stream has read itself anew, as it does where something changed between its reading and
// the stream's beginning: what is pressed just then may be replaced under the mouse.
func (p *tab) caughtUp() {
	p.t.Helper()
	p.until("the page to be caught up", `"caughtUp" in document.documentElement.dataset`)
}

// evaluate returns the value of an expression; it works with scripts off, too.
func evaluate[T any](p *tab, js string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](js))
}

// value is evaluate for what must be there.
func value[T any](p *tab, js string) T {
	p.t.Helper()
	v, err := evaluate[T](p, js)
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits until the expression is true. While a page is on its way there may be nothing to ask.
func (p *tab) until(what, js string) {
	p.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := evaluate[bool](p, "Boolean("+js+")")
		if err == nil && ok {
			return
		}
		select {
		case <-deadline:
			text, _ := evaluate[string](p, "location.href + '\\n' + document.body.innerText")
			p.t.Fatalf("waited %s for %s (%s, %v); the page is\n%s", patience, what, js, err, text)
		case <-tick.C:
		}
	}
}

// openMenu opens the menu of a monitor's row. A row that is drawn anew between press and release swallows a click: a person
// clicks again, and so does this.
func (p *tab) openMenu(id string) {
	p.t.Helper()
	isOpen := fmt.Sprintf(`document.querySelector("#m-%s details.menu")?.open ?? false`, id)
	eventually(p.t, "the menu of the row", func() (bool, string) {
		if !value[bool](p, isOpen) {
			p.click(rowOf(id) + "summary")
		}
		return value[bool](p, isOpen), "closed"
	})
}

// spot is a point in the window.
type spot struct{ X, Y float64 }

// click presses the mouse on the middle of an element, as soon as it is seen, rests, and nothing lies above it.
func (p *tab) click(selector string) {
	p.t.Helper()
	js := fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll(%q)].find((e) => e.checkVisibility());
		if (!e) return null;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
		const on = document.elementFromPoint(x, y);
		return on && (e.contains(on) || on.contains(e)) ? {X: x, Y: y} : null;
	})()`, selector)
	var at *spot
	eventually(p.t, selector+" to be pressed", func() (bool, string) {
		before := at
		var err error
		at, err = evaluate[*spot](p, js)
		return err == nil && at != nil && before != nil && *before == *at, fmt.Sprint(at, err)
	})
	p.must(chromedp.MouseClickXY(at.X, at.Y))
}

// leave clicks on what leads to another page, and waits for it.
func (p *tab) leave(selector string) {
	p.t.Helper()
	value[bool](p, "window.left = true")
	p.click(selector)
	p.arrive()
}

// arrive waits for a page that is not the one marked by leave.
func (p *tab) arrive() {
	p.t.Helper()
	p.until("another page", `!window.left && document.readyState === "complete"`)
}

// fill types into a field in place of what stands there.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.click(selector)
	value[bool](p, fmt.Sprintf(`(document.querySelector(%q).select(), true)`, selector))
	p.must(chromedp.KeyEvent(text))
}

// press types keys where the cursor is. A character is one event with its text, as from a keyboard: chromedp's KeyEvent
// sends the text apart, which a page can not prevent.
func (p *tab) press(keys string) {
	p.t.Helper()
	for _, key := range keys {
		if key < ' ' {
			p.must(chromedp.KeyEvent(string(key)))
			continue
		}
		p.do(func(ctx context.Context, target *chromedp.Target) error {
			event := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: string(key), Text: string(key)}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, event); err != nil {
				return err
			}
			event.Type, event.Text = input.DispatchKeyEventTypeKeyUp, ""
			_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, event)
			return err
		})
	}
}

// mark makes a mark that a reload wipes out; marked tells whether it is still there.
func (p *tab) mark() { value[bool](p, "window.kept = true") }

func (p *tab) marked() bool { return value[bool](p, "window.kept === true") }

// size sets the window's width and height.
func (p *tab) size(width, height int64) {
	p.t.Helper()
	p.must(chromedp.EmulateViewport(width, height))
}

// scheme sets what the system prefers: light or dark.
func (p *tab) scheme(name string) {
	p.t.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	})
}

// scriptsOff turns scripts of pages off.
func (p *tab) scriptsOff() {
	p.t.Helper()
	p.do(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}

// shoot keeps a picture of the whole page where somebody asked for pictures.
func (p *tab) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv(shotsVar)
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// mouseMove moves the mouse there.
func mouseMove(at spot) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: "mouseMoved", X: at.X, Y: at.Y})
		return err
	})
}
