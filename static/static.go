// Package static carries the files that the pages load: one script, one style sheet, one icon. They are bundled into dist
// by tools/assets, and embedded.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// dist is empty but for .gitkeep on a fresh clone; "all:" lets that build, and Ready tells.
//
//go:embed all:dist
var dist embed.FS

// Prefix is where the files are served.
const Prefix = "/static/"

// CacheControl is for every file served here: the name changes with the content.
const CacheControl = "public, max-age=31536000, immutable"

// ErrNotBuilt says that the program was built before its assets.
var ErrNotBuilt = errors.New("the pages' script is not in this binary: run make assets and build again")

// File is one asset as it is sent.
type File struct {
	ContentType string
	Content     []byte
	// Gzip is the content compressed (RFC 1952); nil where that would not make it smaller.
	Gzip []byte
}

// Files are the embedded assets with the URLs that they are served at. It is safe for concurrent use.
type Files struct {
	byURL  map[string]File
	byName map[string]string
}

// New reads the embedded assets and names each by its content: app.js becomes /static/app.<hash>.js.
func New() (*Files, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return newFiles(sub)
}

func newFiles(tree fs.FS) (*Files, error) {
	f := &Files{byURL: map[string]File{}, byName: map[string]string{}}
	return f, fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		f.byURL[url] = File{ContentType: contentType(ext), Content: content, Gzip: compress(content)}
		f.byName[name] = url
		return nil
	})
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content) // a Buffer takes all
	if w.Close() != nil || b.Len() >= len(content) {
		return nil
	}
	return b.Bytes()
}

// Ready returns ErrNotBuilt where the script or the style sheet is missing. A program that answers so must not start:
// its pages would be dead.
func (f *Files) Ready() error {
	if f.URL("app.js") == "" || f.URL("app.css") == "" {
		return ErrNotBuilt
	}
	return nil
}

// URL is the path that the named file is served at, or empty where there is no such file.
func (f *Files) URL(name string) string { return f.byName[name] }

// File returns what is served at a URL path. Names without the hash are not served: they could not be cached.
func (f *Files) File(urlPath string) (File, bool) {
	file, ok := f.byURL[urlPath]
	return file, ok
}

// contentType is written out because the system's own table differs between machines.
func contentType(ext string) string {
	switch ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return "application/octet-stream"
	}
}
