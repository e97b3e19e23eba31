package main

import "testing"

func testEveryPage(t *testing.T, b *browser) {}
