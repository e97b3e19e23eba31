package views

// This file stands in until the branch with the operators' settings (s1) is merged, which has all of it: then delete it, and
// s1_standin.templ with what was generated from it.

// NavStatus stands in; see above.
const NavStatus = "status-pages"

// StatusNavPosts stands in; see above.
const StatusNavPosts = "/posts"

// StatusPageHead stands in; see above.
type StatusPageHead struct{ PublicID, Name, URL, Current string }
