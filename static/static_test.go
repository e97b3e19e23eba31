package static

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFilesAreServedByTheHashOfTheirContent(t *testing.T) {
	files, err := newFiles(fstest.MapFS{
		"app.js": {Data: []byte("one")}, "app.css": {Data: []byte("two")}, ".gitkeep": {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Ready(); err != nil {
		t.Errorf("Ready: got %v, want nil", err)
	}
	url := files.URL("app.js")
	if want := "/static/app.7692c3ad3540.js"; url != want {
		t.Errorf("URL: got %q, want %q", url, want)
	}
	if file, ok := files.File(url); !ok || string(file.Content) != "one" || !strings.HasPrefix(file.ContentType, "text/javascript") {
		t.Errorf("File(%q): got %q %q %t", url, file.Content, file.ContentType, ok)
	}
	for _, path := range []string{"/static/app.js", "/static/.gitkeep", "/static/", "/static/../app.js"} {
		if _, ok := files.File(path); ok {
			t.Errorf("File(%q): got one, want none", path)
		}
	}
	changed, err := newFiles(fstest.MapFS{"app.js": {Data: []byte("another")}})
	if err != nil {
		t.Fatal(err)
	}
	if changed.URL("app.js") == url {
		t.Errorf("the URL stayed %q although the content changed", url)
	}
}

func TestAProgramWithoutAssetsIsNotReady(t *testing.T) {
	for name, tree := range map[string]fstest.MapFS{
		"nothing built": {".gitkeep": {}},
		"no style":      {"app.js": {Data: []byte("x")}},
		"no script":     {"app.css": {Data: []byte("x")}},
	} {
		files, err := newFiles(tree)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.Ready(); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "make assets") {
			t.Errorf("%s: got %v, want ErrNotBuilt that names make assets", name, err)
		}
	}
}
