package vision

import "image/color"

// straight is red, green and blue of a colour that is not multiplied by its alpha, as palettes hold them.
func straight(c color.Color) ([3]uint8, bool) {
	if n, ok := c.(color.NRGBA); ok {
		return [3]uint8{n.R, n.G, n.B}, true
	}
	return [3]uint8{}, false
}
