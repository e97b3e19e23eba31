//go:build !unix || solaris || aix

package probe

import (
	"errors"
	"io"
)

// lockSpool is for systems without flock(2): there is no spool there.
func lockSpool(string) (io.Closer, error) { return nil, errors.ErrUnsupported }
