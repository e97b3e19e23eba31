package probe

import (
	"context"
	"errors"

	"echolot/models"
)

// Pinger carries out one check.
//
// Ping never fails: what could not be measured is a result with models.OutcomeUnknown and its cause. It returns within
// c.Spec.Timeout and a tenth of a second. Where ctx ends before that it returns soon, and its result is to be thrown
// away. Any number of Pings may run at once.
type Pinger interface {
	Ping(ctx context.Context, c models.Check) models.Result
}

// Unmeasured is why a check could not be measured: trouble with the name, with us, or with the rules.
type Unmeasured struct {
	Cause  models.Cause
	Detail string
}

func (e *Unmeasured) Error() string { return e.Detail }

// unmeasured makes a result of err: with the cause of an *Unmeasured, else models.CauseLocalError.
func unmeasured(result models.Result, err error) models.Result {
	cause := models.CauseLocalError
	var u *Unmeasured
	if errors.As(err, &u) {
		cause = u.Cause
	}
	return result.Unknown(cause, err.Error())
}
