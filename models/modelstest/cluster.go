package modelstest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// errNoPostgres names the package: a test that can not run fails, and says what would let it run.
var errNoPostgres = errors.New("these tests need a Postgres server: install the package postgresql (`make test` does so as root)")

// cluster is a Postgres server of this process alone: in a directory of its own, on a loopback port, gone with the
// process however that ends.
type cluster struct {
	dir   string
	port  int
	admin *sql.DB
	copy  string // how CREATE DATABASE should copy, where the server can be told
	// durable clusters keep what was committed when their processes are killed.
	durable bool
	quit    chan struct{} // closed to stop the server
	gone    chan error    // gets what the server ended with
}

func (c *cluster) url(database string) string {
	return fmt.Sprintf("postgres://echolot@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// startCluster makes and starts a server. It takes about a second.
func startCluster() (*cluster, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	as, err := postgresUser()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "echolot-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	if err := c.start(bin, as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

func (c *cluster) start(bin string, as *syscall.Credential) error {
	if as != nil {
		if err := os.Chown(c.dir, int(as.Uid), int(as.Gid)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	data := filepath.Join(c.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "echolot", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir = c.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	var err error
	for range 5 {
		// Below net.ipv4.ip_local_port_range's 32768, so that no client's socket takes the port in between.
		c.port = 20000 + rand.IntN(12000)
		if err = c.serve(ctx, bin, data, as); err == nil {
			return nil
		}
	}
	return err
}

// serve starts the server and returns when it answers or has ended.
func (c *cluster) serve(ctx context.Context, bin, data string, as *syscall.Credential) error {
	log := filepath.Join(c.dir, "log")
	// What is lost in a power cut does not matter here. Short-lived autovacuum would only disturb measurements.
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=128MB",
		"-c", "fsync=off", "-c", "synchronous_commit="+map[bool]string{true: "on", false: "off"}[c.durable], "-c", "full_page_writes=off", "-c", "autovacuum=off")
	server.Dir = c.dir
	// SIGQUIT is Postgres's immediate shutdown. It comes too when this process dies, even by kill -9 or a test's timeout.
	server.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
	c.quit, c.gone = make(chan struct{}), make(chan error, 1)
	go own(server, log, c.quit, c.gone)

	answers := make(chan error, 1)
	admin, err := connect(c.url("postgres"))
	if err != nil {
		return errors.Join(err, c.end())
	}
	probe, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { answers <- untilUp(probe, admin, c.port) }()
	select {
	case err = <-answers:
		var version int
		if err == nil {
			err = admin.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version)
		}
		if err == nil {
			c.admin = admin
			if version >= 150000 {
				c.copy = " STRATEGY file_copy" // 22 ms for a database; the default, by way of the log, takes 81 ms
			}
			return nil
		}
		err = errors.Join(err, c.end())
	case err = <-c.gone:
		cancel()
		err = errors.Join(err, <-answers)
	}
	text, readErr := os.ReadFile(log)
	return errors.Join(fmt.Errorf("postgres did not start: %w\n%s", err, text), readErr, admin.Close())
}

// own starts the server with its messages in the file log, stops it when quit is closed, and reports its end. It keeps
// its thread, because the kernel takes the end of the thread that started a child for the parent's death (prctl(2),
// PR_SET_PDEATHSIG).
func own(server *exec.Cmd, log string, quit <-chan struct{}, gone chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	file, err := os.Create(log)
	if err != nil {
		gone <- err
		return
	}
	defer func() { _ = file.Close() }() // the server writes to a handle of its own
	server.Stdout, server.Stderr = file, file
	if err := server.Start(); err != nil {
		gone <- err
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			err = errors.New("it ended by itself")
		}
		gone <- err
	case <-quit:
		err := server.Process.Signal(syscall.SIGQUIT)
		var exit *exec.ExitError // what Postgres answers SIGQUIT with; it is no error
		if end := <-ended; !errors.As(end, &exit) {
			err = errors.Join(err, end)
		}
		gone <- err
	}
}

// untilUp returns when the server answers a query, or with ctx's error.
func untilUp(ctx context.Context, db *sql.DB, port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		// A bare connection first: the driver retries a refused one with pauses of its own.
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			if err := conn.Close(); err != nil {
				return err
			}
			if db.PingContext(ctx) == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// end stops the server's process and waits for it.
func (c *cluster) end() error {
	close(c.quit)
	return <-c.gone
}

func (c *cluster) stop() error {
	return errors.Join(c.admin.Close(), c.end(), os.RemoveAll(c.dir))
}

// postgresBin finds the directory with initdb and postgres, the newest of several. Debian keeps them out of PATH.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	newest, best := -1, ""
	for _, path := range found {
		bin := filepath.Dir(path)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && version > newest {
			newest, best = version, bin
		}
	}
	if best != "" {
		return best, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errNoPostgres
}

// postgresUser is who the server runs as: it refuses to be root. Nil means this process's own user.
func postgresUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoPostgres, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
