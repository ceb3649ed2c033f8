package vision_test

import (
	"fmt"
	"image"
	"image/color"

	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/vision"
)

// ramp is an image of 4 x 4 pixels of which the blue grows to the right and the green downwards.
func ramp() vision.Image {
	src := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for y := range 4 {
		for x := range 4 {
			src.SetNRGBA(x, y, color.NRGBA{R: 60, G: uint8(60 * y), B: uint8(80 * x), A: 255})
		}
	}
	return vision.FromImage(src)
}

// show prints the size and the first pixel, in levels.
func show(t *vision.Transform) {
	out, err := t.Apply(ramp())
	if err != nil {
		fmt.Println(err)
		return
	}
	c := out.ToImage().At(0, 0).(color.NRGBA)
	fmt.Printf("%-38s %dx%d %3d %3d %3d\n", t.Name(), out.H, out.W, c.R, c.G, c.B)
}

func Example() {
	for _, t := range []*vision.Transform{vision.FlipH(), vision.FlipV(), vision.Rot90(1), vision.Crop(1, 2, 2, 2),
		vision.Translate(-1, 0), vision.Rotate(90, vision.Nearest), vision.Brightness(2), vision.Contrast(0.5),
		vision.Saturation(0), vision.Hue(0.5), vision.Gamma(0.5, 1), vision.Invert(), vision.Solarize(0.2),
		vision.Autocontrast(), vision.Sharpness(2), vision.GaussianBlur(3, 1),
		vision.Affine(vision.AffineParams{TX: 1, Scale: 1}, vision.Nearest)} {
		show(t)
	}
	// Output:
	// hflip                                  4x4  60   0 240
	// vflip                                  4x4  60 180   0
	// rot90(1)                               4x4  60   0 240
	// crop (1, 2) 2x2                        2x2  60  60 160
	// translate (-1, 0)                      4x4  60   0  80
	// rotate 90 (torchvision nearest)        4x4  60   0 240
	// brightness 2                           4x4 120   0   0
	// contrast 0.5                           4x4  72  42  42
	// saturation 0                           4x4  18  18  18
	// hue 0.5                                4x4   0  60  60
	// gamma 0.5 gain 1                       4x4 124   0   0
	// invert                                 4x4 195 255 255
	// solarize 0.2                           4x4 195   0   0
	// autocontrast                           4x4  60   0   0
	// sharpness 2                            4x4  60   0   0
	// gaussian blur 3 taps sigma 1           4x4  60  33  44
	// affine {Degrees:0 TX:1 TY:0 Scale:1 ShearX:0 ShearY:0} (torchvision nearest) 4x4   0   0   0
}

func ExampleResize() {
	for _, s := range []vision.Sampling{vision.Bilinear, vision.BilinearCorners, vision.Antialiased, vision.NearestTorch,
		vision.NearestPillow} {
		show(vision.Resize(2, 2, s))
	}
	show(vision.Scale(1.5, vision.Bilinear))
	show(vision.ScaleCrop(1.5))
	// Output:
	// resize 2x2 (bilinear)                  2x2  60  30  40
	// resize 2x2 (bilinear align corners)    2x2  60   0   0
	// resize 2x2 (bilinear antialiased)      2x2  60  43  57
	// resize 2x2 (nearest torch)             2x2  60   0   0
	// resize 2x2 (nearest PIL)               2x2  60  60  80
	// scale 1.5 (bilinear)                   6x6  60   0   0
	// scale-crop 1.5                         4x4  60   0   0
}

func ExampleCropAt() {
	for _, c := range []vision.Corner{vision.TopLeft, vision.TopRight, vision.BottomLeft, vision.BottomRight,
		vision.CenterTorchvision, vision.CenterTtach} {
		show(vision.CropAt(c, 1, 3))
	}
	// Output:
	// crop lt 1x3                            1x3  60   0   0
	// crop rt 1x3                            1x3  60   0  80
	// crop lb 1x3                            1x3  60 180   0
	// crop rb 1x3                            1x3  60 180  80
	// crop center (torchvision) 1x3          1x3  60 120   0
	// crop center (ttach) 1x3                1x3  60 120  80
}

func ExamplePILRotate() {
	for _, t := range []*vision.Transform{vision.PILRotate(45, vision.Linear), vision.PILShearX(0.3),
		vision.PILShearY(0.3),
		vision.PILTranslateX(1), vision.PILTranslateY(1), vision.PILResize(2, 2, vision.Antialiased),
		vision.PILCropBilinear(1), vision.PILInvert(), vision.PILSolarize(50), vision.PILPosterize(2),
		vision.PILGamma(0.5, 1), vision.PILAutocontrast(), vision.PILEqualize(), vision.PILBrightness(2),
		vision.PILContrast(0.5), vision.PILColor(0), vision.PILHue(0.5), vision.PILSmooth(), vision.PILBlur(),
		vision.PILSharpness(2), vision.PILCutout(2, 0, 0, [3]uint8{125, 122, 113})} {
		show(t)
	}
	// Output:
	// PIL rotate 45 bilinear                 4x4   0   0   0
	// PIL shear x 0.3                        4x4  60   0   0
	// PIL shear y 0.3                        4x4  60   0   0
	// PIL translate x 1                      4x4  60   0  80
	// PIL translate y 1                      4x4  60  60   0
	// PIL resize 2x2 (bilinear antialiased)  2x2  60  43  57
	// PIL crop bilinear 1                    4x4  60  60  80
	// PIL invert                             4x4 195 255 255
	// PIL solarize 50                        4x4 195   0   0
	// PIL posterize 2                        4x4   0   0   0
	// PIL gamma 0.5 gain 1                   4x4 124   0   0
	// PIL autocontrast                       4x4  60   0   0
	// PIL equalize                           4x4  60   0   0
	// PIL brightness 2                       4x4 120   0   0
	// PIL contrast 0.5                       4x4  72  42  42
	// PIL color 0                            4x4  18  18  18
	// PIL hue 0.5                            4x4   0  60  59
	// PIL smooth                             4x4  60   0   0
	// PIL blur                               4x4  60   0   0
	// PIL sharpness 2                        4x4  60   0   0
	// PIL cutout 2 at (0, 0) [125 122 113]   4x4 125 122 113
}

func ExampleUndo() {
	p, err := vision.D4()
	if err != nil {
		fmt.Println(err)
		return
	}
	m := ramp()
	for _, v := range p.Views() {
		x := m
		for _, s := range v.Steps {
			if x, err = s.Apply(x); err != nil {
				fmt.Println(err)
				return
			}
		}
		back, err := vision.Undo(x, m.H, m.W, v.Steps)
		if err != nil {
			fmt.Println(err)
			return
		}
		g, err := vision.Geometry(m.H, m.W, v.Steps)
		if err != nil {
			fmt.Println(err)
			return
		}
		px, py := g.Pixel(0, 0)
		fmt.Println(v.Name, back.Pix[47] == m.Pix[47], px, py)
	}
	f, err := tta.Frame(4, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = vision.Rotate(5, vision.Linear).Geometry(f)
	fmt.Println(err, vision.Invert().Intensities())
	// Output:
	// -/0 true 0 0
	// -/90 true 3 0
	// -/180 true 3 3
	// -/270 true 0 3
	// hflip/0 true 3 0
	// hflip/90 true 0 0
	// hflip/180 true 0 3
	// hflip/270 true 3 3
	// vision: rotate 5 (torchvision bilinear): not invertible true
}

func ExampleStandard() {
	for _, f := range []func() (*tta.Policy[vision.Image], error){
		func() (*tta.Policy[vision.Image], error) { return vision.Mirror(nil) },
		vision.Flips,
		func() (*tta.Policy[vision.Image], error) { return vision.TenCrop(2, 2, vision.CenterTtach) },
		func() (*tta.Policy[vision.Image], error) { return vision.MultiScale(vision.Bilinear, 1, 2) },
		func() (*tta.Policy[vision.Image], error) { return vision.Standard(2, 2) },
		func() (*tta.Policy[vision.Image], error) { return vision.Expanded(4, 4) },
	} {
		p, err := f()
		if err != nil {
			fmt.Println(err)
			return
		}
		i, _ := p.Identity()
		fmt.Println(p.Len(), "views, the original is", p.Names()[i])
	}
	black := vision.NewImage(1, 1, 1)
	fmt.Println(black.At(0, 0))
	// Output:
	// 2 views, the original is identity
	// 4 views, the original is -/-
	// 10 views, the original is -/center (ttach)
	// 2 views, the original is 1
	// 30 views, the original is -/center (ttach)/1
	// 137 views, the original is Rotate 0
	// [0]
}

// A loop over many images that allocates once.
func ExampleTransform_ApplyTo() {
	resize := vision.Resize(2, 2, vision.Antialiased)
	var view vision.Image
	for _, side := range []int{4, 8} {
		photo := vision.NewImage(side, side, 1)
		photo.At(0, 0)[0] = 1
		if err := resize.ApplyTo(&view, photo); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.3f\n", view.Pix)
	}
	// Output:
	// [0.184 0.000 0.000 0.000]
	// [0.032 0.000 0.000 0.000]
}
