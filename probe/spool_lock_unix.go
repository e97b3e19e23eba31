//go:build unix && !solaris && !aix

package probe

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockSpool holds the file for this process until it is closed; a killed process leaves no lock behind.
func lockSpool(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errSpoolTaken
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
