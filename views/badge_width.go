package views

// glyphWidths are the advance widths of U+0020 to U+007E in thousandths of the font's size, as DejaVu Sans has them; Verdana's
// differ by a hundredth. A badge is measured by them, since nobody here can ask the reader's browser.
var glyphWidths = [...]int{
	318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
	1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
	500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
}

// textWidth is how wide the text stands at badgeType, in pixels, rounded up.
func textWidth(s string) int {
	sum := 0
	for _, r := range s {
		switch {
		case r == '\u00a0':
			sum += glyphWidths[0]
		case r >= ' ' && int(r-' ') < len(glyphWidths):
			sum += glyphWidths[r-' ']
		case r == '…', r >= 0x1100: // Hangul, Kana, Han and pictures are as wide as they are high
			sum += 1000
		default: // other letters are as wide as most of ours
			sum += 640
		}
	}
	return (sum*badgeType + 999) / 1000
}
