// Command echolot is self-hosted ICMP monitoring: one program with its pages, its API, its prober and its database.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // charts are drawn in the reader's zone, also in a container that has no zones

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve pages and API, and probe."`
	Migrate migrateCommand `cmd:"" help:"Bring the database's schema up to this version."`
	Doctor  doctorCommand  `cmd:"" help:"Say whether this machine may ping and the database can be used, and how to mend it."`
	User    struct {
		Create userCreateCommand `cmd:"" help:"Make a user, and the organization when it is missing."`
	} `cmd:"" help:"Users."`
	Token struct {
		Create tokenCreateCommand `cmd:"" help:"Make an API token that acts as a user; it is printed alone on stdout."`
	} `cmd:"" help:"API tokens."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "echolot:", err)
		os.Exit(1)
	}
}

// errSaid is for a command that has told everything itself.
var errSaid = errors.New("see above")

func run(args []string) error {
	if err := dropEmptySettings(); err != nil {
		return err
	}
	var c commands
	parser, err := kong.New(&c, kong.Name("echolot"), kong.Description("Self-hosted ICMP monitoring. Every flag can also be set as a variable, shown beside it."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	// The first signal stops in order; the second one, with the handler gone, ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run()
}

// versionCommand prints the version.
type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("echolot", version)
	return nil
}
