package vision

import (
	"fmt"

	"github.com/espalier-ml/espalier/tta"
)

// level is a level of a factor with transforms of this package; none leave the image as it is.
func step(name string, original bool, steps ...*Transform) tta.Level[Image] {
	return tta.Level[Image]{Name: name, Original: original, Steps: Chain(steps...)}
}

// Mirror is the policy of an image and its mirror. classes is the permutation of classes that a mirror exchanges, such
// as left and right, or nil.
func Mirror(classes []int) (*tta.Policy[Image], error) {
	mirror := step("hflip", false, FlipH())
	mirror.Classes = classes
	return tta.Product(tta.Factor[Image]{step("identity", true), mirror})
}

// Flips is the policy of the four combinations of flips left to right and top to bottom.
func Flips() (*tta.Policy[Image], error) {
	return tta.Product(tta.Factor[Image]{step("-", true), step("hflip", false, FlipH())},
		tta.Factor[Image]{step("-", true), step("vflip", false, FlipV())})
}

// D4 is the policy of the eight symmetries of a square: a flip, and turns by 0, 90, 180 and 270 degrees.
func D4() (*tta.Policy[Image], error) {
	turns := tta.Factor[Image]{step("0", true)}
	for k := 1; k < 4; k++ {
		turns = append(turns, step(fmt.Sprint(90*k), false, Rot90(k)))
	}
	return tta.Product(tta.Factor[Image]{step("-", true), step("hflip", false, FlipH())}, turns)
}

// crops are the four corners and the middle, which is the original.
func crops(h, w int, center Corner) tta.Factor[Image] {
	var f tta.Factor[Image]
	for _, c := range []Corner{TopLeft, BottomLeft, BottomRight, TopRight, center} {
		f = append(f, step(cornerNames[c], c == center, CropAt(c, h, w)))
	}
	return f
}

// TenCrop is the policy of the corners and the middle of an image and of its mirror, of which the middle of the image
// itself is the original. center is [CenterTorchvision] or [CenterTtach].
func TenCrop(h, w int, center Corner) (*tta.Policy[Image], error) {
	return tta.Product(tta.Factor[Image]{step("-", true), step("hflip", false, FlipH())}, crops(h, w, center))
}

// MultiScale is the policy of an image at several scales, that of 1 being the original.
func MultiScale(how Sampling, scales ...float64) (*tta.Policy[Image], error) {
	var f tta.Factor[Image]
	for _, s := range scales {
		l := step(fmt.Sprintf("%g", s), s == 1)
		if s != 1 {
			l = step(l.Name, false, Scale(s, how))
			l.Cost = s * s
		}
		f = append(f, l)
	}
	return tta.Product(f)
}

// Standard is the paper's standard policy of 30 views: flip or not, five crops, and zooms of 1, 1.04 and 1.10. The
// original is the middle crop, unflipped, view 12. The paper resizes the short side to 256 before and has crops of 224.
func Standard(h, w int) (*tta.Policy[Image], error) {
	return tta.Product(tta.Factor[Image]{step("-", true), step("hflip", false, FlipH())}, crops(h, w, CenterTtach),
		tta.Factor[Image]{step("1", true), step("1.04", false, ScaleCrop(1.04)), step("1.1", false, ScaleCrop(1.1))})
}

// Expanded is the paper's expanded policy: twenty operations of Pillow at levels 0 to 9, in the order of AutoAugment,
// one of the seven that have no levels: 137 of 200. The original is "Rotate 0". Signs are positive, and the square of
// Cutout lies in the middle of an image of h x w pixels, where the reference code draws both for each image.
func Expanded(h, w int) (*tta.Policy[Image], error) {
	fixed := func(f func() *Transform) func(int) *Transform { return func(int) *Transform { return f() } }
	factor := func(l int) float64 { return float64(l)*1.8/10 + 0.1 }
	shearing := func(l int) float64 { return float64(l) * 0.3 / 10 }
	ops := []struct {
		name string
		make func(l int) *Transform
	}{
		{"FlipLR", fixed(FlipH)}, {"FlipUD", fixed(FlipV)}, {"AutoContrast", fixed(PILAutocontrast)},
		{"Equalize", fixed(PILEqualize)}, {"Invert", fixed(PILInvert)},
		{"Rotate", func(l int) *Transform { return PILRotate(float64(l*30/10), Nearest) }},
		{"Posterize", func(l int) *Transform { return PILPosterize(4 - l*4/10) }},
		{"CropBilinear", func(l int) *Transform { return PILCropBilinear(l) }},
		{"Solarize", func(l int) *Transform { return PILSolarize(256 - l*256/10) }},
		{"Color", func(l int) *Transform { return PILColor(factor(l)) }},
		{"Contrast", func(l int) *Transform { return PILContrast(factor(l)) }},
		{"Brightness", func(l int) *Transform { return PILBrightness(factor(l)) }},
		{"Sharpness", func(l int) *Transform { return PILSharpness(factor(l)) }},
		{"ShearX", func(l int) *Transform { return PILShearX(shearing(l)) }},
		{"ShearY", func(l int) *Transform { return PILShearY(shearing(l)) }},
		{"TranslateX", func(l int) *Transform { return PILTranslateX(l) }},
		{"TranslateY", func(l int) *Transform { return PILTranslateY(l) }},
		{"Cutout", func(l int) *Transform { return PILCutout(l*20/10, w/2, h/2, [3]uint8{125, 122, 113}) }},
		{"Blur", fixed(PILBlur)}, {"Smooth", fixed(PILSmooth)},
	}
	var views []tta.View[Image]
	for _, op := range ops {
		for l := range 10 {
			t := op.make(l)
			if l > 0 && t.Name() == op.make(0).Name() && op.make(9).Name() == t.Name() {
				break // no levels
			}
			name := fmt.Sprintf("%s %d", op.name, l)
			views = append(views, tta.View[Image]{Name: name, Steps: Chain(t), Original: name == "Rotate 0"})
		}
	}
	return tta.NewPolicy(views...)
}
