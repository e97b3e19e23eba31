// Command assets bundles the script and the style sheet of the pages into static/dist. Run it in tools: go run ./assets
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "assets:", err)
		os.Exit(1)
	}
}

func build() error {
	static, err := findStatic()
	if err != nil {
		return err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     static,
		EntryPoints:       []string{"src/app.js", "src/app.css", "src/favicon.svg", "src/live.js", "src/status.js", "src/status.css", "src/widget.css"},
		Loader:            map[string]api.Loader{".svg": api.LoaderCopy},
		EntryNames:        "[name]",
		Outdir:            "dist",
		Bundle:            true,
		Write:             true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		// One file that runs anywhere: the pages load it with defer, not as a module.
		Format:        api.FormatIIFE,
		Target:        api.ES2020,
		LegalComments: api.LegalCommentsNone,
		Color:         api.ColorNever,
		LogLevel:      api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("%d errors, the first: %s", len(result.Errors), result.Errors[0].Text)
	}
	return nil
}

// findStatic finds the static folder from the repository's root and from tools alike.
func findStatic() (string, error) {
	for _, dir := range []string{"static", filepath.Join("..", "static")} {
		if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", errors.New("no static/package.json here or one folder up")
}
