package views

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

func TestMarkdown(t *testing.T) {
	m := NewMarkdown()
	for text, want := range map[string]string{
		"The **carrier** moved _us_.\nAgain.":  "<p>The <strong>carrier</strong> moved <em>us</em>.<br>\nAgain.</p>\n",
		"one\n\ntwo":                           "<p>one</p>\n<p>two</p>\n",
		"- a\n- b":                             "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n",
		"3. c":                                 "<ol start=\"3\">\n<li>c</li>\n</ol>\n",
		"`x < y` ~~old~~":                      "<p><code>x &lt; y</code> <del>old</del></p>\n",
		"# Big":                                "<p><strong>Big</strong></p>\n",
		"a & b < c":                            "<p>a &amp; b &lt; c</p>\n",
		"[us](https://example.com/a?b=1&c=2)":  `<p><a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener" target="_blank">us</a></p>` + "\n",
		"see https://example.com.":             `<p>see <a href="https://example.com" rel="nofollow noopener" target="_blank">https://example.com</a>.</p>` + "\n",
		"[mail](mailto:noc@example.com)":       `<p><a href="mailto:noc@example.com" rel="nofollow">mail</a></p>` + "\n",
		"![a map](https://evil.example/t.png)": "<p>a map</p>\n",
		"[up](/monitors)":                      "<p>up</p>\n",
		"":                                     "",
	} {
		if got := m.HTML(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	deep := m.HTML(strings.Repeat(">", 3000) + " x\n\ny")
	if n := strings.Count(deep, "<blockquote>"); n != 6 || strings.Count(deep, "</blockquote>") != n || !strings.Contains(deep, "<p>x</p>") || !strings.HasSuffix(deep, "<p>y</p>\n") {
		t.Errorf("three thousand quotes in each other: got %d, want 6, in %q", n, deep)
	}
	var b strings.Builder
	for text, want := range map[string]string{"x": "<p><b>A&amp;B.</b> x</p>\n", "- x": "<p><b>A&amp;B.</b> </p><ul>\n<li>x</li>\n</ul>\n", "": "<p><b>A&amp;B.</b> </p>"} {
		b.Reset()
		if err := m.text("A&B", text).Render(context.Background(), &b); err != nil || b.String() != want {
			t.Errorf("%q: got %q, %v; want %q", text, b.String(), err, want)
		}
	}
}

// attacks are known ways to get a script, a picture, a frame or a style out of Markdown or HTML.
func attacks() []string {
	return []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`,
		`<iframe src="javascript:alert(1)"></iframe>`, `<a href="javascript:alert(1)">x</a>`, `[x](javascript:alert(1))`, `[x](JaVaScRiPt:alert(1))`,
		"[x](java\nscript:alert(1))", "[x](java&#x09;script:alert(1))", `[x](&#106;avascript:alert(1))`, `[x](&#x6A&#x61&#x76&#x61script:alert(1))`,
		`[x](javascript&colon;alert(1))`, `[x]( javascript:alert(1))`, `[x](<javascript:alert(1)>)`, "[x](\x01javascript:alert(1))",
		`[x](vbscript:msgbox(1))`, `[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)`, `[x](file:///etc/passwd)`,
		`![x](javascript:alert(1))`, `![x](data:image/svg+xml;base64,PHN2Zz4=)`, `![x"onerror="alert(1)](https://x.example/)`,
		`![](https://evil.example/track.gif)`, `[![x](https://evil.example/t.gif)](javascript:alert(1))`,
		`[x](https://e.example "onmouseover=alert(1) x=")`, `[x](https://e.example'onmouseover='alert(1))`, `[x](https://e.example"onmouseover="alert(1))`,
		"[x][1]\n\n[1]: javascript:alert(1)", "[x][1]\n\n[1]: https://e.example '\" onclick=alert(1) \"'", `<javascript:alert(1)>`, `<https://e.example"onclick="alert(1)>`,
		`<div style="background:url(javascript:alert(1))">x</div>`, `<style>*{display:none}</style>`, `<link rel=stylesheet href=//evil.example/x.css>`,
		`<meta http-equiv=refresh content="0;url=//evil.example">`, `<base href="//evil.example/">`, `<form action="//evil.example"><input name=p type=password>`,
		`<object data="x.swf">`, `<embed src="x.swf">`, `<math><mi xlink:href="javascript:alert(1)">x</mi></math>`, `<details open ontoggle=alert(1)>x</details>`,
		`<video><source onerror=alert(1)></video>`, `<input autofocus onfocus=alert(1)>`, `<p id="status-banner" class="banner">All is well</p>`,
		"```<script>\nalert(1)\n```", "```\" onclick=\"alert(1)\nx\n```", "`<script>alert(1)</script>`", `<!--<img src="--><img src=x onerror=alert(1)>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		`<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, "<img src=x\x00onerror=alert(1)>",
		`<a href="https://e.example" target=_self onclick=alert(1)>x</a>`, `</section></main><h1>Everything is up</h1>`, `<template><img src=x onerror=alert(1)></template>`,
		`<plaintext>`, `<textarea><img src=x onerror=alert(1)>`, `<title><img src=x onerror=alert(1)></title>`, `<xmp><img src=x onerror=alert(1)></xmp>`,
		`# <img src=x onerror=alert(1)>`, `- <script>alert(1)</script>`, `> <script>alert(1)</script>`, `~~<script>alert(1)</script>~~`,
	}
}

// Of no attack is anything left but text and plain links, and what stood around it is closed.
func TestMarkdownAttacks(t *testing.T) {
	m := NewMarkdown()
	elements := strings.Fields("p br strong em del code pre ul ol li blockquote hr a")
	for _, attack := range attacks() {
		for _, text := range []string{attack, "before " + attack + " after", "**" + attack + "**\n\nafter"} {
			inline, err := goquery.NewDocumentFromReader(strings.NewReader("<p>" + m.Inline(text) + "</p><hr>"))
			if err != nil {
				t.Fatal(err)
			}
			if inline.Find("body > p").Length() != 1 || inline.Find("body > p ~ hr").Length() != 1 {
				t.Errorf("%q: it does not stay in its paragraph: %s", text, m.Inline(text))
			}
			inline.Find("body > p *").Each(func(_ int, s *goquery.Selection) {
				if !slices.Contains([]string{"a", "br", "strong", "em", "del", "code"}, goquery.NodeName(s)) {
					t.Errorf("%q: got element %s in a line: %s", text, goquery.NodeName(s), m.Inline(text))
				}
				for _, a := range s.Nodes[0].Attr {
					if ok := allowed(a, goquery.NodeName(s)); !ok {
						t.Errorf("%q: got attribute %s=%q in a line: %s", text, a.Key, a.Val, m.Inline(text))
					}
				}
			})
			got := m.HTML(text)
			doc, err := goquery.NewDocumentFromReader(strings.NewReader("<div>" + got + "</div><hr>"))
			if err != nil {
				t.Fatal(err)
			}
			if doc.Find("body > div ~ hr").Length() != 1 {
				t.Errorf("%q: it does not end where it should: %s", text, got)
			}
			doc.Find("body > div *").Each(func(_ int, s *goquery.Selection) {
				if !slices.Contains(elements, goquery.NodeName(s)) {
					t.Errorf("%q: got element %s in %s", text, goquery.NodeName(s), got)
				}
				for _, a := range s.Nodes[0].Attr {
					if ok := allowed(a, goquery.NodeName(s)); !ok {
						t.Errorf("%q: got attribute %s=%q in %s", text, a.Key, a.Val, got)
					}
				}
			})
		}
	}
	if n := len(attacks()); n < 60 {
		t.Errorf("got %d attacks, want 60", n)
	}
}

// allowed tells whether an element may have the attribute.
func allowed(a html.Attribute, element string) bool {
	switch {
	case element == "ol" && a.Key == "start":
		return true
	case element != "a":
		return false
	case a.Key == "href":
		return strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "mailto:")
	default:
		return a.Key == "rel" && a.Val == "nofollow noopener" || a.Key == "target" && a.Val == "_blank"
	}
}

// Plain text has neither Markdown nor tags, and stays text where somebody takes it for HTML.
func TestMarkdownPlain(t *testing.T) {
	m := NewMarkdown()
	for text, want := range map[string]string{
		"**We** look, [here](https://example.com).\n\nIt's *\"soon\"*": "We look, here.\nIt's \"soon\"",
		"a <script>alert(1)</script><b>b</b>":                          "a alert(1)b",
		"`<img src=x>` & more":                                         "&lt;img src=x&gt; &amp; more",
		"one\ntwo":                                                     "one\ntwo",
	} {
		if got := m.Plain(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A line has links and emphasis, and no block; its words are plain text, as it stands in feeds and in the head.
func TestMarkdownInline(t *testing.T) {
	const link = `<a href="https://example.com/i" rel="nofollow noopener" target="_blank">`
	m := NewMarkdown()
	for text, want := range map[string][2]string{
		"**All** of [us](https://example.com/i) & more": {"<strong>All</strong> of " + link + "us</a> &amp; more", "All of us & more"},
		"See https://example.com/i":                     {"See " + link + "https://example.com/i</a>", "See https://example.com/i"},
		"# One\n- two\n> three":                         {"# One<br>\n- two<br>\n&gt; three", "# One\n- two\n> three"},
		"one\n\n\ntwo":                                  {"one<br><br>two", "one\n\ntwo"},
		"    no code":                                   {"no code", "no code"},
		"It's <b>bold</b>, `<i>`":                       {"It&#39;s bold, <code>&lt;i&gt;</code>", "It's bold, <i>"},
		"":                                              {"", ""},
	} {
		if got := [2]string{m.Inline(text), m.Words(text)}; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
