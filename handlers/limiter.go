package handlers

import (
	"strconv"
	"sync"
	"time"

	"echolot/models"

	"github.com/gofiber/fiber/v2"
)

// anonymousLimit is the number of API requests a minute from an address, or an IPv6 network, without a credential.
const anonymousLimit = 60

// limiter counts API requests by credential, in windows of a minute. Counts live in memory: a restart forgives.
type limiter struct {
	limit int
	now   func() time.Time

	mu     sync.Mutex
	minute int64
	used   map[string]int
}

func newLimiter(limit int) *limiter {
	return &limiter{limit: limit, now: time.Now, used: map[string]int{}}
}

// take counts the request and says on the answer what is left; *models.Throttled where nothing is.
func (l *limiter) take(c *fiber.Ctx, by models.Actor, address string) error {
	if l.limit == 0 {
		return nil
	}
	limit, key := anonymousLimit, "address "+models.ClientNetwork(address)
	switch {
	case by.TokenID != 0:
		limit, key = l.limit, "token "+strconv.FormatInt(by.TokenID, 10)
	case by.Role != "":
		limit, key = l.limit, "session "+csrfToken(c)
		if key == "session " {
			key += strconv.FormatInt(by.UserID, 10)
		}
	}
	now := l.now()
	left := limit - l.count(key, now.Unix()/60)
	c.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	c.Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	if left < 0 {
		return &models.Throttled{RetryAfterSeconds: int(60 - now.Unix()%60)}
	}
	return nil
}

func (l *limiter) count(key string, minute int64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute != l.minute {
		l.minute = minute
		clear(l.used)
	}
	l.used[key]++
	return l.used[key]
}
