package handlers

import (
	"echolot/models"
	"echolot/views"
)

// statusHead stands in until the branch with the operators' settings (s1) is merged, which has it in status_pages.go: then delete this
// file.
func (s *Server) statusHead(p models.StatusPage, current string) views.StatusPageHead {
	return views.StatusPageHead{PublicID: p.PublicID.String(), Name: p.Name, Current: current}
}
