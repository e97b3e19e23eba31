package models

import (
	"context"
	"slices"
	"sync"
)

// keyedLocks are locks by name, made when they are first wanted and gone with their last user.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	held  chan struct{} // holds a token while somebody holds the lock
	users int
}

// lock takes all names' locks in their order, which every caller must keep. Errors: ErrBusy where too many wait.
func (k *keyedLocks) lock(ctx context.Context, names [2]string) (release func(), err error) {
	var taken []func()
	release = func() {
		for _, free := range slices.Backward(taken) {
			free()
		}
	}
	for _, name := range names {
		free, err := k.one(ctx, name)
		if err != nil {
			release()
			return nil, err
		}
		taken = append(taken, free)
	}
	return release, nil
}

func (k *keyedLocks) one(ctx context.Context, name string) (func(), error) {
	l, err := k.enter(name)
	if err != nil {
		return nil, err
	}
	select {
	case l.held <- struct{}{}:
		return func() {
			<-l.held
			k.leave(name, l)
		}, nil
	case <-ctx.Done():
		k.leave(name, l)
		return nil, ctx.Err()
	}
}

func (k *keyedLocks) enter(name string) (*keyedLock, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.locks[name]
	if l == nil {
		if k.locks == nil {
			k.locks = map[string]*keyedLock{}
		}
		l = &keyedLock{held: make(chan struct{}, 1)}
		k.locks[name] = l
	}
	if l.users > maxHashQueue {
		return nil, ErrBusy
	}
	l.users++
	return l, nil
}

func (k *keyedLocks) leave(name string, l *keyedLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.locks, name)
	}
}
