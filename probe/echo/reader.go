//go:build linux

package echo

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readBatch   = 64
	readData    = 2048 // of a reply; a longer one is known by its beginning
	readControl = 256
	// mostBatches bounds one reading, so that a flood of replies can not keep us from sending.
	mostBatches = 64
)

// reader is the memory that messages are taken up into, by one recvmmsg(2) for many.
type reader struct {
	messages [readBatch]message
	vectors  [readBatch]unix.Iovec
	names    [readBatch][unix.SizeofSockaddrInet6]byte
	data     [readBatch][readData]byte
	control  [readBatch][readControl]byte
}

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	length uint32
}

func newReader() *reader {
	r := &reader{}
	for i := range r.messages {
		r.vectors[i].Base = &r.data[i][0]
		r.vectors[i].SetLen(readData)
		h := &r.messages[i].header
		h.Name = &r.names[i][0]
		h.Iov = &r.vectors[i]
		h.SetIovlen(1)
		h.Control = &r.control[i][0]
		r.reset(i)
	}
	return r
}

// reset gives message i its room back, after the kernel has said how much it used.
func (r *reader) reset(i int) {
	h := &r.messages[i].header
	h.Namelen = unix.SizeofSockaddrInet6
	h.SetControllen(readControl)
	h.Flags = 0
}

// read takes up messages of a socket.
func (r *reader) read(fd, flags int) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.messages)), readBatch,
		uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// parts are those of message i.
func (r *reader) parts(i int) (data, name, control []byte, cut bool) {
	m := &r.messages[i]
	return r.data[i][:min(m.length, readData)], r.names[i][:m.header.Namelen], r.control[i][:m.header.Controllen],
		m.header.Flags&unix.MSG_TRUNC != 0
}

func (e *Engine) readIfMany() {
	if e.sent >= sendsBeforeReading {
		e.read()
	}
}

// read takes up what has come on all sockets.
func (e *Engine) read() {
	e.sent = 0
	for i := len(e.sockets) - 1; i >= 0; i-- { // a check that ends may close its socket, but no other
		if s := e.sockets[i]; s.unread {
			e.readSocket(s)
		}
	}
}

// readSocket takes up what has come on one socket.
func (e *Engine) readSocket(s *socket) {
	s.refs++ // it stays open while we read
	begun := e.clock.now()
	if s.unread = !e.readReplies(s); !s.unread {
		s.emptied = begun
	}
	e.release(s)
}
