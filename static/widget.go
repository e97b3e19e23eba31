package static

import (
	"crypto/sha512"
	"embed"
	"encoding/base64"
)

// widgets are the scripts that other people's pages load, by version. Those pages name the script's hash, so a version that was
// released stays as it is for ever.
//
//go:embed widget/*.js
var widgets embed.FS

// WidgetVersion is the newest version of the widget's script.
const WidgetVersion = "2"

// Widget is the widget's script of the version, and its hash as an integrity attribute names it. ok is false where there is no such version.
func Widget(version string) (script []byte, integrity string, ok bool) {
	script, err := widgets.ReadFile("widget/" + version + ".js")
	if err != nil {
		return nil, "", false
	}
	sum := sha512.Sum384(script)
	return script, "sha384-" + base64.StdEncoding.EncodeToString(sum[:]), true
}
