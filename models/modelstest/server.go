package modelstest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a Postgres server of one test, which may stop it.
type Server struct {
	cluster *cluster
	bin     string
	as      *syscall.Credential
	up      bool
}

// OwnPostgres starts a server of the test's own and ends it after the test. Unlike the shared one it keeps what was committed
// when it is stopped the hard way.
func OwnPostgres(t testing.TB) *Server {
	t.Helper()
	bin, err := postgresBin()
	if err != nil {
		t.Fatal(err)
	}
	as, err := postgresUser()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "echolot-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{cluster: &cluster{dir: dir, durable: true}, bin: bin, as: as}
	t.Cleanup(func() {
		if s.up {
			s.Stop(t)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := s.cluster.start(bin, as); err != nil {
		t.Fatal(err)
	}
	s.up = true
	if err := Migrate(context.Background(), s.URL()); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL leads to the server's one database, which is migrated.
func (s *Server) URL() string { return s.cluster.url("postgres") }

// Address is where the server listens, host:port.
func (s *Server) Address() string { return "127.0.0.1:" + strconv.Itoa(s.cluster.port) }

// Stop ends the server at once, as a crash would. Connections are refused then.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
	if err := errors.Join(s.cluster.admin.Close(), s.cluster.end()); err != nil {
		t.Fatal(err)
	}
	s.up = false
}

// Start starts a stopped server again, where it was.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := s.cluster.serve(ctx, s.bin, filepath.Join(s.cluster.dir, "data"), s.as); err != nil {
		t.Fatal(err)
	}
	s.up = true
}

// Freeze holds every process of the server: connections are taken by the kernel, and nothing is ever answered.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

// signal goes to the server's first process and to all of its children.
func (s *Server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(s.cluster.dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(file), "\n")
	first, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	pids := []int{first}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The fields after the name, which may hold anything: state, parent (proc(5)).
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && len(fields) > 1 && fields[1] == line {
			pids = append(pids, pid)
		}
	}
	if signal == syscall.SIGCONT {
		slices.Reverse(pids)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}
