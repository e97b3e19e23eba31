package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParseFieldsKeepsOrderAndValues(t *testing.T) {
	f, err := ParseFields([]byte(" {\"b\": 1.50, \"a\":[ 1 ,{\"z\":null}],\"\":\"\\u00fc\", \"B\":1e308}\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(f.Keys(), ","), "b,a,,B"; got != want {
		t.Errorf("got keys %q, want %q", got, want)
	}
	if got, want := string(f.JSON()), "{\"b\":1.50,\"a\":[ 1 ,{\"z\":null}],\"\":\"\\u00fc\",\"B\":1e308}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !f.Has("a") || f.Has("c") || f.Raw("c") != nil {
		t.Error("Has or Raw tells of a key that was not sent, or not of one that was")
	}
}

// badBodies are what is no body of ours.
var badBodies = []string{
	"", " ", "null", "true", "1", `"x"`, "[]", `[{"a":1}]`,
	"{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[}`, `{"a":1]`, `{a:1}`, `{'a':1}`, `{"a":tru}`, `{"a":nul}`,
	`{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1e}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":-}`, "{\"a\":\"\n\"}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"`,
	`{} {}`, `{}{}`, `{}]`, `{},`, `{} x`, "{}\x00", "\ufeff{}", "/**/{}", "{}//",
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"x":{"a":1,"a":1}}`, `{"x":[{"":1,"":1}]}`,
	`{"a":"\u0000"}`, `{"\u0000":1}`, `{"a":["x\u0000y"]}`,
	`{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800x"}`, `{"a":"\udc00\ud800"}`, `{"\ud800":1}`, `{"a":{"b":["\uDBFF\u0041"]}}`,
	"{\"a\":\"\xff\"}", "{\"\xc3\":1}", "\xff\xfe{}", "\x1f\x8b\x08\x00",
	strings.Repeat("[", 5000), strings.Repeat("[", 5000) + strings.Repeat("]", 5000), strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}",
}

func TestParseFieldsRefuses(t *testing.T) {
	for _, body := range badBodies {
		shown := body[:min(len(body), 40)]
		_, err := ParseFields([]byte(body))
		var e *Invalid
		if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Field != "body" || e.Fields[0].Message != "Invalid request body" {
			t.Errorf("%q: got %v, want the body refused", shown, err)
		}
	}
}

// What looks like a lone surrogate and is none.
func TestParseFieldsAcceptsSurrogatePairs(t *testing.T) {
	for _, body := range []string{`{"a":"\ud83d\ude00"}`, `{"a":"\\ud800"}`, `{"a":"\\\ud83d\ude00"}`, `{"a":"\ufffd"}`, "{\"a\":\"\ufffd😀\"}"} {
		if _, err := ParseFields([]byte(body)); err != nil {
			t.Errorf("%s: got %v, want it accepted", body, err)
		}
	}
}

// FuzzFields: what is accepted is one JSON object without a key twice that survives being written and read again;
// what is refused is refused as a bad body.
func FuzzFields(f *testing.F) {
	for _, s := range badBodies {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"customerId":1,"name":"x","hostname":"a","icmpConfig":{"count":4,"x":[1,{"y":null}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := ParseFields(body)
		if err != nil {
			var e *Invalid
			if !errors.As(err, &e) {
				t.Fatalf("%q: got %v, want *Invalid", body, err)
			}
			return
		}
		var object map[string]any
		if !json.Valid(body) || json.Unmarshal(body, &object) != nil && !bytes.Contains(body, []byte("e")) && !bytes.Contains(body, []byte("E")) {
			t.Fatalf("%q: accepted, and encoding/json does not", body)
		}
		again, err := ParseFields(fields.JSON())
		if err != nil || !bytes.Equal(again.JSON(), fields.JSON()) || len(again.Keys()) != len(fields.Keys()) {
			t.Fatalf("%q: written as %s and read again with %v", body, fields.JSON(), err)
		}
	})
}
