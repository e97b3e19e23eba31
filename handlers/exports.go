package handlers

import (
	"context"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	// maxExports and maxExportsPerOrganization bound the downloads of history at one time: each reads pages from the database for
	// as long as its client takes.
	maxExports                = 16
	maxExportsPerOrganization = 4
	// exportTime is how long a download may take in all, and exportPageTime what one page of it may take in the store.
	exportTime     = time.Hour
	exportPageTime = 10 * time.Second
)

// exports are the downloads under way. They outlive their requests, so somebody has to end them and to wait.
type exports struct {
	mu       sync.Mutex
	counted  map[int64]int // by organization
	all      int
	ctx      context.Context
	cancel   context.CancelFunc
	writers  sync.WaitGroup
	stopping bool
}

func newExports() *exports {
	e := &exports{counted: map[int64]int{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// begin lets one more download in, if there is room. The caller calls end when its writer ends.
func (e *exports) begin(organization int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return fiber.NewError(fiber.StatusServiceUnavailable, "Echolot is stopping")
	}
	if e.all >= maxExports || e.counted[organization] >= maxExportsPerOrganization {
		return fiber.NewError(fiber.StatusServiceUnavailable, "Too many exports at once; let one end")
	}
	e.all++
	e.counted[organization]++
	e.writers.Add(1)
	return nil
}

func (e *exports) end(organization int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all--
	if e.counted[organization]--; e.counted[organization] == 0 {
		delete(e.counted, organization)
	}
	e.writers.Done()
}

// stop ends all downloads and waits for their writers, until ctx ends.
func (e *exports) stop(ctx context.Context) {
	e.mu.Lock()
	e.stopping = true
	e.mu.Unlock()
	e.cancel()
	done := make(chan struct{})
	go func() {
		e.writers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
