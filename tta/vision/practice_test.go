package vision

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/ttatest"
)

// What people stumble over, as small inputs with the right value.

// line is a row of one channel.
func line(v ...float32) Image { return Image{1, len(v), 1, v} }

func apply(t testing.TB, tr *Transform, m Image) Image {
	t.Helper()
	out, err := tr.Apply(m)
	require.NoError(t, err)
	return out
}

func TestFlipsKnowTheirAxis(t *testing.T) {
	m := NewImage(3, 3, 3)
	for y := range 3 {
		for x := range 3 {
			for c := range 3 {
				m.At(y, x)[c] = float32(3*y + x)
			}
		}
	}
	assert.Equal(t, []float32{2, 2, 2, 1, 1, 1, 0, 0, 0}, apply(t, FlipH(), m).Pix[:9])
	assert.Equal(t, []float32{6, 6, 6, 7, 7, 7, 8, 8, 8}, apply(t, FlipV(), m).Pix[:9])
}

func TestNearestHasTwoRules(t *testing.T) {
	m := line(0, 10, 20, 30, 40)
	assert.Equal(t, []float32{0, 20, 40}, apply(t, Resize(1, 3, NearestPillow), m).Pix)
	assert.Equal(t, []float32{0, 10, 30}, apply(t, Resize(1, 3, NearestTorch), m).Pix)
	// torch rounds positions to float32: exactly, 41 of 82 would be 1.
	assert.Equal(t, float32(0), apply(t, Resize(1, 82, NearestTorch), line(0, 1)).Pix[40])
	assert.Equal(t, 0, taps(2, 82, NearestTorch)[41].from)
	assert.Equal(t, 114, apply(t, Scale(1.15, Bilinear), NewImage(100, 100, 1)).H)
}

func TestAntialiasingDiffers(t *testing.T) {
	m := line(0, 0, 0, 1, 0, 0, 0, 0)
	assert.Equal(t, []float32{0, 0}, apply(t, Resize(1, 2, Bilinear), m).Pix)
	golden.Close(t, "antialiased", apply(t, Resize(1, 2, Antialiased), m).Pix, []float64{.17857, .10714}, 0, 1e-5)
}

// random is an image of odd sizes.
func random(seed uint64) Image {
	rng := tensor.Stream(seed, 7)
	m := NewImage(3+int(seed), 4+int(seed)*2, 3)
	for i := range m.Pix {
		m.Pix[i] = rng.Float32()
	}
	return m
}

func TestTurnsByRightAnglesAreExact(t *testing.T) {
	for seed := range uint64(4) {
		m := random(seed)
		square := apply(t, CropAt(TopLeft, m.H, m.H), m)
		for k := -4; k <= 4; k++ {
			for _, how := range []Interpolation{Nearest, Linear} {
				assert.Equal(t, apply(t, Rot90(k), square), apply(t, Rotate(float64(90*k), how), square))
				levels := space(nil).copy(square)
				levels.round()
				assert.Equal(t, apply(t, Rot90(k), levels), apply(t, PILRotate(float64(90*k), how), levels))
			}
		}
		assert.Equal(t, apply(t, FlipV(), apply(t, FlipH(), m)), apply(t, Rotate(180, Linear), m))
		assert.Equal(t, apply(t, FlipV(), apply(t, FlipH(), m)), apply(t, Rotate(-180, Nearest), m))
	}
}

func TestFlatImages(t *testing.T) {
	for _, v := range []float32{0, .5, 1} {
		m := NewImage(3, 4, 3)
		for i := range m.Pix {
			m.Pix[i] = v
		}
		for _, tr := range []*Transform{Autocontrast(), Hue(.3), Saturation(2), Contrast(3), Sharpness(2), GaussianBlur(3, 1),
			PILAutocontrast(), PILEqualize(), PILHue(.3), PILColor(2), PILContrast(2)} {
			for i, got := range apply(t, tr, m).Pix {
				require.InDelta(t, v, got, 1/250., "%s [%d]", tr.Name(), i)
			}
		}
	}
	_, err := GaussianBlur(9, 1).Apply(NewImage(3, 3, 1))
	assert.ErrorIs(t, err, tensor.ErrShape)
	for _, tr := range []*Transform{Hue(.1), Contrast(2), PILColor(2)} {
		_, err := tr.Apply(NewImage(2, 2, 4))
		assert.ErrorIs(t, err, tensor.ErrShape)
	}
}

func TestAlphaIsNotMultipliedIn(t *testing.T) {
	c := color.NRGBA{R: 200, G: 100, B: 50, A: 128}
	straightImage := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	straightImage.SetNRGBA(0, 0, c)
	palette := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{c})
	wide := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	wide.SetNRGBA64(0, 0, color.NRGBA64{R: 200 * 257, G: 100 * 257, B: 50 * 257, A: 128 * 257})
	for _, m := range []image.Image{straightImage, palette, wide} {
		got := FromImage(m)
		for k, want := range []float32{200, 100, 50} {
			assert.InDelta(t, want, 255*got.Pix[k], 1e-3)
		}
	}
	multiplied := image.NewRGBA(image.Rect(0, 0, 1, 1))
	multiplied.Set(0, 0, c)
	for k, want := range []float32{200, 100, 50} {
		assert.InDelta(t, want, 255*FromImage(multiplied).Pix[k], 2)
	}
	back := FromImage(straightImage).ToImage().(*image.NRGBA)
	assert.Equal(t, color.NRGBA{R: 200, G: 100, B: 50, A: 255}, back.NRGBAAt(0, 0))
}

func TestTransformsKeepTheContract(t *testing.T) {
	for _, tr := range []*Transform{FlipH(), FlipV(), Rot90(1), Rot90(-1), CropAt(CenterTtach, 2, 2), Crop(1, 1, 2, 3),
		Resize(5, 4, Bilinear), Resize(5, 4, Antialiased), Scale(1.5, NearestTorch), ScaleCrop(1.1), Rotate(13, Linear),
		Translate(1, -1),
		Affine(AffineParams{Degrees: 5, Scale: 1.1}, Linear), Brightness(1.2), Contrast(.5), Saturation(2), Hue(.2),
		Gamma(2, 1), Invert(),
		Solarize(.5), Autocontrast(), Sharpness(2), GaussianBlur(3, 1), PILInvert(), PILSolarize(99), PILPosterize(3),
		PILGamma(2, 1),
		PILAutocontrast(), PILEqualize(), PILBrightness(2), PILContrast(2), PILColor(2), PILHue(.1), PILSmooth(), PILBlur(),
		PILSharpness(2), PILCutout(2, 1, 1, [3]uint8{1, 2, 3}), PILRotate(20, Linear), PILShearX(.1), PILShearY(.1),
		PILTranslateX(1), PILTranslateY(1), PILResize(3, 3, Antialiased), PILCropBilinear(1)} {
		ttatest.CheckTransform[Image](t, tr, random)
	}
}

func TestInverses(t *testing.T) {
	difference := func(a, b Image) float64 {
		if a.H != b.H || a.W != b.W || a.C != b.C {
			return math.Inf(1)
		}
		most := 0.0
		for i := range a.Pix {
			most = max(most, math.Abs(float64(a.Pix[i]-b.Pix[i])))
		}
		return most
	}
	chain := func(steps ...*Transform) tta.Transform[Image] {
		return tta.Func("chain", func(m Image) (Image, error) {
			var err error
			for _, s := range steps {
				if m, err = s.Apply(m); err != nil {
					return m, err
				}
			}
			return m, nil
		})
	}
	for _, steps := range [][]*Transform{{FlipH()}, {FlipV()}, {Rot90(1)}, {Rot90(2)}, {Rot90(3)}, {Rot90(1), FlipH(),
		Rot90(3), FlipV()},
		{FlipH(), Brightness(1)}, {Scale(2, NearestTorch), Rot90(1), FlipH()}, {Scale(3, NearestPillow)}} {
		ttatest.CheckInverse(t, chain(steps...), func(y, x Image) (Image, error) {
			return Undo(y, x.H, x.W, Chain(steps...))
		}, random, difference, 0)
	}
	_, err := Undo(NewImage(3, 3, 1), 4, 3, nil)
	assert.ErrorIs(t, err, tensor.ErrShape)
	_, err = Undo(NewImage(3, 3, 1), 3, 3, Chain(Rotate(5, Linear)))
	assert.ErrorIs(t, err, tta.ErrInverse)
}

func TestReadyPolicies(t *testing.T) {
	p, err := Standard(224, 224)
	require.NoError(t, err)
	i, ok := p.Identity()
	assert.Equal(t, []any{30, 12, true}, []any{p.Len(), i, ok})
	p, err = Expanded(28, 28)
	require.NoError(t, err)
	assert.Equal(t, 137, p.Len())
	i, ok = p.Identity()
	assert.Equal(t, []any{"Rotate 0", true}, []any{p.Names()[i], ok})
	p, err = MultiScale(Bilinear, .5, 1, 2)
	require.NoError(t, err)
	assert.Equal(t, []float64{.25, 1, 4}, p.Costs())
	p, err = Mirror([]int{1, 0})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, p.Views()[1].Classes)
}

func TestBadImages(t *testing.T) {
	for _, m := range []Image{{}, {2, 2, 1, make([]float32, 3)}, {-1, 2, 1, nil}} {
		_, err := FlipH().Apply(m)
		assert.ErrorIs(t, err, tensor.ErrShape)
	}
	_, err := CropAt(TopLeft, 4, 4).Apply(NewImage(3, 5, 1))
	assert.ErrorIs(t, err, tensor.ErrShape)
	_, err = Resize(0, 3, Bilinear).Apply(NewImage(3, 5, 1))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = Brightness(-1).Apply(NewImage(3, 5, 1))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = Affine(AffineParams{}, Linear).Apply(NewImage(3, 5, 1))
	assert.ErrorIs(t, err, tensor.ErrRange)
}

// The same pixels, whatever the memory held, for every transform; no other image is touched.
func TestApplyTo(t *testing.T) {
	rng := tensor.Stream(8)
	for _, c := range []int{1, 3, 4} {
		m := NewImage(9, 8, c)
		for i := range m.Pix {
			m.Pix[i] = rng.Float32()
		}
		before := slices.Clone(m.Pix)
		for _, tr := range []*Transform{FlipH(), FlipV(), Rot90(0), Rot90(1), Rot90(2), Rot90(3), Crop(1, 2, 4, 5),
			CropAt(CenterTtach, 6, 6), Resize(11, 5, Antialiased), Resize(3, 20, NearestTorch), Scale(1.5, Bilinear),
			ScaleCrop(1.2), Rotate(30, Linear), Rotate(180, Nearest), Affine(AffineParams{Scale: 2, TX: 1}, Linear),
			Translate(2, -3), Brightness(0.5), Contrast(2), Invert(), GaussianBlur(3, 1), PILRotate(20, Nearest),
			PILResize(5, 7, Antialiased), PILCropBilinear(1), PILSmooth(), PILTranslateX(2)} {
			want, err := tr.Apply(m)
			dst := NewImage(40, 30, 1)
			for i := range dst.Pix {
				dst.Pix[i] = float32(math.NaN())
			}
			memory := &dst.Pix[0]
			assert.Equal(t, err == nil, tr.ApplyTo(&dst, m) == nil, tr.Name())
			if err == nil {
				assert.Equal(t, want, dst, tr.Name())
				assert.Same(t, memory, &dst.Pix[0], tr.Name())
				var fresh Image
				require.NoError(t, tr.ApplyTo(&fresh, m))
				assert.Equal(t, want, fresh, tr.Name())
			}
			assert.ErrorIs(t, tr.ApplyTo(&m, m), tensor.ErrOverlap, tr.Name())
		}
		assert.Equal(t, before, m.Pix)
	}
}
