package handlers

import (
	"context"
	"fmt"
	"strings"

	"echolot/models"
)

// The kinds of object of what people are told. A post and an update are named by all that stands in the path from the page's id on.
const (
	aPageToTell = 100 + iota
	aPost
	anUpdate
	aTemplate
)

// toldPath puts the reference of a post or an update into the route's path.
func toldPath(l line, path, route string) string {
	switch l.path {
	case aPost:
		return strings.Replace(route, ":id/posts/:post", path, 1)
	case anUpdate:
		return strings.Replace(route, ":id/posts/:post/updates/:update", path, 1)
	}
	return route
}

// tell makes a thing of each kind at each place, before anybody knocks.
func (k *knocking) tell() {
	k.told = map[string]string{}
	for _, kind := range []int{aPageToTell, aPost, anUpdate, aTemplate} {
		for _, at := range []place{own, hidden, foreign} {
			k.told[fmt.Sprint(kind, at)] = k.freshTold(kind, at)
		}
	}
}

// toldRefs is the thing of the kind at the place.
func (k *knocking) toldRefs(kind int, at place) []string {
	const none = "0198a2b4-0000-7000-8000-000000000000"
	if at == nowhere {
		return []string{map[int]string{aPageToTell: none, aTemplate: none, aPost: none + "/posts/" + none, anUpdate: none + "/posts/" + none + "/updates/" + none}[kind]}
	}
	return []string{k.told[fmt.Sprint(kind, at)]}
}

// freshTold makes a page, a post with an update, or a template.
func (k *knocking) freshTold(kind int, at place) string {
	k.Helper()
	h, ctx := k.h, context.Background()
	by, customer := h.organization, h.customer
	switch at {
	case hidden:
		customer = h.second
	case foreign:
		by, customer = h.other, h.foreign
	}
	must := func(err error) {
		k.Helper()
		if err != nil {
			k.Fatal(err)
		}
	}
	if kind == aTemplate {
		t, err := h.store.CreateStatusTemplate(ctx, by, object(k.T, `{"name":"Fresh","kind":"incident","title":"x"}`))
		must(err)
		return t.PublicID.String()
	}
	k.made++
	page, err := h.store.CreateStatusPage(ctx, by, object(k.T, fmt.Sprintf(`{"customerId":%d,"name":"Fresh","slug":"told-%d"}`, customer.ID, k.made)))
	must(err)
	ref := page.PublicID.String()
	if kind == aPageToTell {
		return ref
	}
	var d models.StatusPostDetail
	d, err = h.store.CreateStatusPost(ctx, by, page.PublicID, object(k.T, `{"kind":"incident","title":"x","body":"y"}`))
	must(err)
	ref += "/posts/" + d.PublicID.String()
	if kind == anUpdate { // of two: the only one can not be taken back
		d, err = h.store.AddStatusUpdate(ctx, by, page.PublicID, d.PublicID, object(k.T, `{"body":"z"}`))
		must(err)
		ref += "/updates/" + d.Updates[0].PublicID.String()
	}
	return ref
}
