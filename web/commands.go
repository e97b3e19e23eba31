package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"echolot/models"
	"echolot/models/events"
	"echolot/probe"
)

// migrateCommand brings the schema up.
type migrateCommand struct{ databaseConfig }

// Run migrates and says so.
func (c *migrateCommand) Run(ctx context.Context) error {
	store, err := openStore(ctx, c.databaseConfig, "", events.New(), c.logger())
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "the database's schema is that of this version")
	return store.Close()
}

// userCreateCommand makes a user.
type userCreateCommand struct {
	databaseConfig
	Email         string `required:"" help:"E-mail address to sign in with."`
	Role          string `required:"" enum:"admin,user,readonly,global_admin,global_supporter" help:"One of ${enum}."`
	Organization  string `help:"Name of the organization; it is made when it is missing. Default: the first one."`
	FirstName     string `help:"First name."`
	LastName      string `help:"Last name."`
	PasswordStdin bool   `required:"" help:"Read the password, 12 to 1024 bytes, from the first line of stdin."`
}

// Run makes the user; nothing is printed on stdout.
func (c *userCreateCommand) Run(ctx context.Context) error {
	password, err := readPassword(os.Stdin)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, c.databaseConfig, "", events.New(), c.logger())
	if err != nil {
		return err
	}
	user, err := store.UnscopedCreateUser(ctx, models.NewUser{Email: c.Email, Role: models.Role(c.Role), Organization: c.Organization,
		FirstName: c.FirstName, LastName: c.LastName, Password: password})
	if err == nil {
		fmt.Fprintf(os.Stderr, "made %s, %s\n", user.Email, user.Role)
	}
	return errors.Join(err, store.Close())
}

// readPassword reads the first line, without its end.
func readPassword(r io.Reader) (string, error) {
	const limit = 4096 // longer than any password that is taken
	b, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", errors.New("--password-stdin: write the password to stdin, like: echo 'a long password' | echolot user create …")
	}
	return line, nil
}

// tokenCreateCommand makes an API token of a user.
type tokenCreateCommand struct {
	databaseConfig
	Name  string `required:"" help:"What the token is called in the list."`
	Email string `required:"" help:"The user that it acts as."`
}

// Run prints the token alone on stdout.
func (c *tokenCreateCommand) Run(ctx context.Context) error {
	store, err := openStore(ctx, c.databaseConfig, "", events.New(), c.logger())
	if err != nil {
		return err
	}
	secret, err := store.UnscopedCreateUserToken(ctx, c.Email, c.Name)
	if err == nil {
		fmt.Println(secret)
	}
	return errors.Join(err, store.Close())
}

// doctorCommand looks at what Echolot needs.
type doctorCommand struct{ databaseConfig }

// Run prints a line for each thing, and fails where something must be mended.
func (c *doctorCommand) Run(ctx context.Context) error {
	all := probe.ProbeAbilities()
	for _, a := range all {
		if a.OK {
			fmt.Printf("ok      %s socket\n", a)
		} else {
			fmt.Printf("no      %s socket: %s\n", a, a.Error)
		}
	}
	fmt.Println(pingerLine(probe.EngineHere(slog.New(slog.DiscardHandler))))
	bad := false
	if fix := all.Fix(); fix != "" {
		bad = true
		fmt.Printf("\nNobody may ping here; every monitor would be unknown. One of these mends it:\n%s\n\n", fix)
	}
	bad = c.database(ctx) || bad
	if bad {
		return errSaid
	}
	return nil
}

// database looks at the database; bad is true where it can not be used.
func (c *doctorCommand) database(ctx context.Context) (bad bool) {
	store, err := openStore(ctx, c.databaseConfig, "", events.New(), c.logger())
	if err != nil {
		fmt.Printf("no      database: %v\n", err)
		return true
	}
	defer func() { _ = store.Close() }()
	fmt.Printf("ok      database: %s\n", store.Engine())
	if store.KeepsSpace(ctx) {
		fmt.Println(`–       the file keeps the space of deleted checks; with Echolot stopped, sqlite3 FILE "PRAGMA auto_vacuum = incremental; VACUUM" mends it`)
	}
	beat, alive, err := store.Heartbeat(ctx)
	switch {
	case err != nil:
		fmt.Printf("no      heartbeat: %v\n", err)
		return true
	case !alive:
		fmt.Println("–       nobody is probing on this database now")
	case beat.Figures.Blind != nil:
		fmt.Printf("no      probing: blind since %s: %s\n", beat.Figures.Blind.Since.Format(time.RFC3339), beat.Figures.Blind)
		bad = true
	default:
		fmt.Printf("ok      probing: %s%s, IPv4 %s, IPv6 %s, %d monitors\n", beat.Engine, stampsWords(beat.Figures.Engine.Stamps), orNone(beat.IPv4),
			orNone(beat.IPv6), beat.Monitors)
	}
	if alive {
		for _, one := range beat.Figures.Sentinels {
			if one.Answers {
				fmt.Printf("ok      sentinel: %s\n", one)
			} else {
				fmt.Printf("–       sentinel: %s\n", one)
			}
		}
	}
	return bad
}

// pingerLine says which pinger would run here.
func pingerLine(e probe.EngineStats) string {
	if e.Mode4 == "" && e.Mode6 == "" {
		return "no      pinger: none can run here"
	}
	return fmt.Sprintf("ok      pinger: %s%s, IPv4 %s, IPv6 %s", e.Kind, stampsWords(e.Stamps), orNone(e.Mode4), orNone(e.Mode6))
}

// stampsWords says where the times of packets are taken; empty where nobody said so.
func stampsWords(stamps string) string {
	switch stamps {
	case probe.StampsKernel:
		return " with the kernel's time stamps"
	case probe.StampsUser:
		return " with user-space time stamps"
	default:
		return ""
	}
}

func orNone(mode string) string {
	if mode == "" {
		return "none"
	}
	return mode
}
