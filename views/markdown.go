package views

import (
	"context"
	stdhtml "html"
	"io"
	"strings"

	"github.com/a-h/templ"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// Markdown turns what operators type into HTML that does nothing but look like text. Making one costs more than using it: a page makes
// one and uses it for all of its texts. It is safe for concurrent use.
type Markdown struct {
	parser goldmark.Markdown
	inline goldmark.Markdown // knows paragraphs, and what stands in a line
	policy *bluemonday.Policy
	strict *bluemonday.Policy
}

// NewMarkdown knows CommonMark with autolinks and ~~struck out~~ text. HTML in it is left out, a line break is one, a heading is a bold
// line (the page has its own headings), and a picture is its text: nobody else's server learns who reads a page.
func NewMarkdown() *Markdown {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "hr")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true) // and rel="noopener" with it
	plain := renderer.WithNodeRenderers(util.Prioritized(plainParts{}, 100))
	of := func(options ...goldmark.Option) goldmark.Markdown {
		return goldmark.New(append(options, goldmark.WithExtensions(extension.Strikethrough, extension.Linkify), goldmark.WithRendererOptions(html.WithHardWraps(), plain))...)
	}
	lines := parser.NewParser(parser.WithBlockParsers(util.Prioritized(parser.NewParagraphParser(), 1000)), parser.WithInlineParsers(parser.DefaultInlineParsers()...))
	return &Markdown{policy: p, strict: bluemonday.StrictPolicy(), parser: of(), inline: of(goldmark.WithParser(lines))}
}

// HTML is the text as HTML. What can not be read is shown as it was typed.
func (m *Markdown) HTML(text string) string { return m.convert(m.parser, text) }

// Inline is the text as HTML that may stand in a paragraph: links, strong, and what else stands in a line. What would be a list or a
// heading is as it was typed, paragraphs are told apart by an empty line.
func (m *Markdown) Inline(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, " \t") // a paragraph does not begin with a line that is indented: it would be left out
	}
	body := strings.TrimSpace(m.convert(m.inline, strings.Join(lines, "\n")))
	body = strings.TrimSuffix(strings.TrimPrefix(body, "<p>"), "</p>")
	return strings.ReplaceAll(body, "</p>\n<p>", "<br><br>")
}

func (m *Markdown) convert(parser goldmark.Markdown, text string) string {
	var b strings.Builder
	if err := parser.Convert([]byte(text), &b); err != nil {
		return "<p>" + templ.EscapeString(text) + "</p>"
	}
	return m.policy.Sanitize(b.String())
}

// Plain is the text without any markup. <, > and & are written as in HTML, so that it stays text where it is put into a page.
func (m *Markdown) Plain(text string) string {
	return strings.TrimSpace(strings.NewReplacer("&#39;", "'", "&#34;", `"`).Replace(m.strict.Sanitize(m.HTML(text))))
}

// Words is a text in a line's Markdown as people read it, for what shows no markup and is no HTML either.
func (m *Markdown) Words(text string) string {
	text = strings.ReplaceAll(m.Inline(text), "<br><br>", "\n\n")
	return strings.TrimSpace(stdhtml.UnescapeString(m.strict.Sanitize(text)))
}

// text draws the text, with a bold word before it where there is one.
func (m *Markdown) text(word, text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		body := m.HTML(text)
		if word != "" {
			word = "<b>" + templ.EscapeString(word) + ".</b> "
			if rest, ok := strings.CutPrefix(body, "<p>"); ok {
				body = "<p>" + word + rest
			} else {
				body = "<p>" + word + "</p>" + body
			}
		}
		_, err := io.WriteString(w, body)
		return err
	})
}

// plainParts renders what a text of ours has no use for.
type plainParts struct{}

// RegisterFuncs says which kinds it renders.
func (plainParts) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		tags := "<p><strong>"
		if !entering {
			tags = "</strong></p>\n"
		}
		_, err := w.WriteString(tags)
		return ast.WalkContinue, err
	})
	r.Register(ast.KindBlockquote, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		tag := "<blockquote>\n"
		if !entering {
			tag = "</blockquote>\n"
		}
		if tooDeep(n) {
			tag = ""
		}
		_, err := w.WriteString(tag)
		return ast.WalkContinue, err
	})
	r.Register(ast.KindImage, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
		return ast.WalkContinue, nil // its text is inside
	})
}

// mostQuotes is how deep quotes stand in each other: beyond it each would only take from the width.
const mostQuotes = 6

// tooDeep is true for a quote within as many as there may be.
func tooDeep(quote ast.Node) bool {
	around := 0
	for n := quote.Parent(); n != nil && around < mostQuotes; n = n.Parent() {
		if n.Kind() == ast.KindBlockquote {
			around++
		}
	}
	return around >= mostQuotes
}
