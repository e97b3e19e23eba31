package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Fields is a JSON object as it was sent: its keys in order, with their raw values.
type Fields struct {
	keys []string
	raw  map[string]json.RawMessage
}

// maxDepth bounds nesting; nothing of ours needs more than three levels.
const maxDepth = 32

// ParseFields reads one JSON object. Anything else, a duplicate key, a NUL or half a surrogate pair in a string, nesting
// beyond 32 levels or text that is not UTF-8 gives *Invalid for the field "body".
func ParseFields(body []byte) (Fields, error) {
	bad := func(advice string) (Fields, error) {
		return Fields{}, &Invalid{Fields: []FieldError{{Field: "body", Message: "Invalid request body", Advice: advice}}}
	}
	if !utf8.Valid(body) {
		return bad("the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := verify(dec, 0); err != nil {
		return bad(err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return bad("there is something after the JSON value")
	}
	if loneSurrogate(body) {
		return bad("a string contains half a surrogate pair")
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); trimmed[0] != '{' {
		return bad("a JSON object is expected")
	}
	return splitObject(body)
}

// verify reads one value and refuses what encoding/json would let pass.
func verify(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("more than %d levels of nesting", maxDepth)
	}
	t, err := dec.Token()
	if err != nil {
		return errors.New("not valid JSON")
	}
	switch t := t.(type) {
	case string:
		if strings.ContainsRune(t, 0) {
			return errors.New("a string contains a NUL character")
		}
	case json.Delim:
		seen := map[string]bool{}
		for dec.More() {
			if t == '{' {
				k, err := dec.Token()
				if err != nil {
					return errors.New("not valid JSON")
				}
				key, ok := k.(string)
				switch {
				case !ok || strings.ContainsRune(key, 0):
					return errors.New("not valid JSON")
				case seen[key]:
					return fmt.Errorf("the key %q is there twice", key)
				}
				seen[key] = true
			}
			if err := verify(dec, depth+1); err != nil {
				return err
			}
		}
		if _, err := dec.Token(); err != nil {
			return errors.New("not valid JSON")
		}
	}
	return nil
}

// loneSurrogate looks in valid JSON for an escape like \ud800 without its other half. encoding/json replaces one silently,
// and Postgres can not take an object apart that holds one, so it must not get into a stored object (RFC 8259 §8.2).
func loneSurrogate(body []byte) bool {
	escape := func(at int) rune { // of the \uXXXX at the place, else -1
		if at+6 > len(body) || body[at] != '\\' || body[at+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(body[at+2:at+6]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		if r := escape(i); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, escape(i+6)) == utf8.RuneError {
				return true
			}
			i += 10
		}
		i++ // what is escaped begins no escape
	}
	return false
}

// splitObject takes an object that verify passed apart.
func splitObject(object []byte) (Fields, error) {
	f := Fields{raw: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return Fields{}, err
	}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return Fields{}, err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return Fields{}, err
		}
		f.Set(k.(string), raw)
	}
	return f, nil
}

// Set puts a raw JSON value at the key.
func (f *Fields) Set(key string, raw json.RawMessage) {
	if f.raw == nil {
		f.raw = map[string]json.RawMessage{}
	}
	if _, ok := f.raw[key]; !ok {
		f.keys = append(f.keys, key)
	}
	f.raw[key] = raw
}

// Has tells whether the key was sent, be it null.
func (f Fields) Has(key string) bool {
	_, ok := f.raw[key]
	return ok
}

// Keys are the keys in the order sent.
func (f Fields) Keys() []string { return f.keys }

// null tells whether the key was sent as null.
func (f Fields) null(key string) bool { return string(f.raw[key]) == "null" }

// reader reads typed values out of Fields and notes in e what does not fit. Its methods return ok only for a value that
// was sent, is not null and has the type.
type reader struct {
	Fields
	e *Invalid
	// prefix stands before the field's name in errors: "icmpConfig.".
	prefix string
}

// read decodes the key's value; notNull refuses null.
func (r reader) read(key, want string, notNull bool, into any) bool {
	if !r.Has(key) {
		return false
	}
	if r.null(key) {
		if notNull {
			r.e.add(r.prefix+key, r.prefix+key+" must be "+want, "Must be "+want)
		}
		return false
	}
	if err := json.Unmarshal(r.raw[key], into); err != nil {
		r.e.add(r.prefix+key, r.prefix+key+" must be "+want, "Must be "+want)
		return false
	}
	return true
}

func (r reader) text(key string, notNull bool) (v string, ok bool) {
	ok = r.read(key, "a string", notNull, &v)
	return v, ok
}

func (r reader) flag(key string, notNull bool) (v bool, ok bool) {
	ok = r.read(key, "true or false", notNull, &v)
	return v, ok
}

// number reads a number between low and high.
func (r reader) number(key string, low, high float64, notNull bool) (v float64, ok bool) {
	want := fmt.Sprintf("a number from %s to %s", plain(low), plain(high))
	if ok = r.read(key, want, notNull, &v); ok && (math.IsInf(v, 0) || v < low || v > high) {
		r.e.add(r.prefix+key, r.prefix+key+" must be "+want, "Choose "+plain(low)+" to "+plain(high))
		return 0, false
	}
	return v, ok
}

// integer reads a whole number between low and high.
func (r reader) integer(key string, low, high int, notNull bool) (v int, ok bool) {
	f, ok := r.number(key, float64(low), float64(high), notNull)
	if ok && f != math.Trunc(f) {
		r.e.add(r.prefix+key, r.prefix+key+" must be a whole number", "Leave out the fraction")
		return 0, false
	}
	return int(f), ok
}

// plain writes a number without exponent and trailing zeros.
func plain(f float64) string {
	b, _ := json.Marshal(f)
	return string(b)
}

// Raw is the key's value as it was sent; nil where it was not.
func (f Fields) Raw(key string) json.RawMessage { return f.raw[key] }

// JSON writes the object with its keys in order.
func (f Fields) JSON() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range f.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(key) // a string always encodes
		b.Write(name)
		b.WriteByte(':')
		b.Write(f.raw[key])
	}
	b.WriteByte('}')
	return b.Bytes()
}
