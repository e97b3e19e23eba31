package handlers

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"time"

	"echolot/models"
	"echolot/views"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// mostEntries is how many notices a feed has, or a list of what was, newest first.
const mostEntries = 50

// atomFeed is a feed of RFC 4287.
type atomFeed struct {
	XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang      string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Subtitle  string      `xml:"subtitle,omitempty"`
	Updated   string      `xml:"updated"`
	Links     []atomLink  `xml:"link"`
	Author    atomAuthor  `xml:"author"`
	Generator string      `xml:"generator"`
	Entries   []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

// atomEntry is a notice. It keeps its id when more is told of it; readers show it anew by its time.
type atomEntry struct {
	ID        string         `xml:"id"`
	Title     string         `xml:"title"`
	Published string         `xml:"published"`
	Updated   string         `xml:"updated"`
	Link      atomLink       `xml:"link"`
	Category  []atomCategory `xml:"category"`
	Content   atomContent    `xml:"content"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// jsonFeed is a feed of https://www.jsonfeed.org/version/1.1/
type jsonFeed struct {
	Version     string     `json:"version"`
	Title       string     `json:"title"`
	HomePageURL string     `json:"home_page_url"`
	FeedURL     string     `json:"feed_url"`
	Description string     `json:"description,omitempty"`
	Language    string     `json:"language"`
	Items       []jsonItem `json:"items"`
}

type jsonItem struct {
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	Title         string   `json:"title"`
	ContentHTML   string   `json:"content_html"`
	DatePublished string   `json:"date_published"`
	DateModified  string   `json:"date_modified"`
	Tags          []string `json:"tags"`
}

// newestNotices are the notices of the page, the one that changed last first.
func (s *Server) newestNotices(c *fiber.Ctx, p models.StatusPage, b models.StatusBoard) ([]models.StatusNotice, error) {
	past, err := s.past(c, p, b)
	if err != nil {
		return nil, err
	}
	return lastChanged(slices.Concat(b.Open, b.Announced, past)), nil
}

// lastChanged are the notices that changed last, mostEntries of them at most, the newest change first. It sorts the list.
func lastChanged(all []models.StatusNotice) []models.StatusNotice {
	slices.SortStableFunc(all, func(x, y models.StatusNotice) int { return y.UpdatedAt.Compare(x.UpdatedAt) })
	return all[:min(len(all), mostEntries)]
}

// past is what is over of as many days as the page has bars: what the board tells, and older things. A reader who comes once a day, or
// what is told a week later, misses nothing.
func (s *Server) past(c *fiber.Ctx, p models.StatusPage, b models.StatusBoard) ([]models.StatusNotice, error) {
	over, err := s.months.of(c.UserContext(), monthKey{p.ID, "over"}, p.Version, func(ctx context.Context) (toldMonth, error) {
		list, err := s.Store.UnscopedStatusOver(ctx, p)
		return toldMonth{list: list}, err
	})
	if err != nil {
		return nil, err
	}
	known := map[uuid.UUID]bool{}
	for _, n := range slices.Concat(b.Open, b.Announced, b.Past) {
		known[n.ID] = true
	}
	past := slices.Clone(b.Past)
	for _, n := range over.list {
		if !known[n.ID] {
			past = append(past, n)
		}
	}
	return past, nil
}

// tags say what kind of thing a notice is, and how far it is.
func tags(n models.StatusNotice) []string {
	if n.Kind == models.KindAnnouncement {
		return []string{string(n.Kind)}
	}
	return []string{string(n.Kind), noticeState(n)}
}

func urn(id uuid.UUID) string { return "urn:uuid:" + id.String() }

func feedTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// showAtomFeed is what is told on the page, for feed readers.
func (s *Server) showAtomFeed(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
	notices, err := s.newestNotices(c, p, v.Board)
	if err != nil {
		return err
	}
	at := p.UpdatedAt
	feed := atomFeed{Lang: v.Language, ID: urn(p.ComponentID(uuid.Nil)), Title: plain(v.Board.Name), Subtitle: plain(v.About()), Generator: "Echolot",
		Author: atomAuthor{plain(v.Board.Name)}, Links: []atomLink{
			{"alternate", "text/html", s.statusAddress(p, "", "lang", v.Language)},
			{"self", "application/atom+xml", s.statusAddress(p, "/feed.atom", "lang", v.Language)},
		}}
	for i, n := range notices {
		changed := n.UpdatedAt
		if i == 0 || changed.After(at) {
			at = changed
		}
		e := atomEntry{ID: urn(n.ID), Title: plain(v.NoticeTitle(n)), Published: feedTime(n.CreatedAt), Updated: feedTime(changed),
			Link: atomLink{"alternate", "text/html", s.noticeAddress(p, n)}, Content: atomContent{"html", plain(render(views.FeedEntry(v, n)))}}
		for _, tag := range tags(n) {
			e.Category = append(e.Category, atomCategory{tag})
		}
		feed.Entries = append(feed.Entries, e)
	}
	feed.Updated = feedTime(at)
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(feed); err != nil {
		return fmt.Errorf("writing a status page's feed: %w", err)
	}
	b.WriteByte('\n')
	return sendFile(c, p, "application/atom+xml; charset=utf-8", b.Bytes())
}

// showJSONFeed is the same for programs.
func (s *Server) showJSONFeed(c *fiber.Ctx, p models.StatusPage, v views.StatusPage) error {
	notices, err := s.newestNotices(c, p, v.Board)
	if err != nil {
		return err
	}
	feed := jsonFeed{Version: "https://jsonfeed.org/version/1.1", Title: v.Board.Name, Description: v.About(), Language: v.Language, Items: []jsonItem{},
		HomePageURL: s.statusAddress(p, "", "lang", v.Language), FeedURL: s.statusAddress(p, "/feed.json", "lang", v.Language)}
	for _, n := range notices {
		feed.Items = append(feed.Items, jsonItem{ID: urn(n.ID), URL: s.noticeAddress(p, n), Title: v.NoticeTitle(n), ContentHTML: render(views.FeedEntry(v, n)),
			DatePublished: feedTime(n.CreatedAt), DateModified: feedTime(n.UpdatedAt), Tags: tags(n)})
	}
	return sendFileJSON(c, p, "application/feed+json; charset=utf-8", feed)
}
