package main

import (
	"os"
	"strings"
)

// axe has axe-core look at the page as it is, by the rules of WCAG 2.2 A and AA and its own best practices.
func (p *tab) axe(name string) {
	p.t.Helper()
	if !value[bool](p, `"axe" in window`) {
		source, err := os.ReadFile("../static/node_modules/axe-core/axe.min.js")
		if err != nil {
			p.t.Fatalf("`make assets` installs axe-core: %v", err)
		}
		value[bool](p, string(source)+"; true")
	}
	value[bool](p, `(window.axeFound = null, axe.run(document, {resultTypes: ["violations"]}).then((r) => {
		window.axeFound = r.violations.map((v) => v.id + " (" + v.help + "): " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join("; "));
	}, (e) => { window.axeFound = ["axe-core failed: " + e]; }), true)`)
	p.until("axe-core", `window.axeFound`)
	if found := value[[]string](p, `window.axeFound`); len(found) > 0 {
		p.t.Errorf("%s: axe-core finds\n\t%s", name, strings.Join(found, "\n\t"))
	}
}
