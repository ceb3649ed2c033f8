package vision

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tta"
)

type imageCase struct {
	Input, Lib, Op, Layout, DType string
	Out                           golden.Tensor
	Params                        struct {
		Degrees, Level, Pixels, Factor, Gamma, Gain, Bits, Threshold, Scale, Sigma float64
		H, W, Kernel                                                               int
		Interp, Pos, Mode                                                          string
		Corners                                                                    bool `json:"align_corners"`
		Antialias                                                                  bool
		Translate, Shear                                                           []float64
	}
}

var interpolations = map[string]Interpolation{"nearest": Nearest, "bilinear": Linear}

// transform is the one that a case is about.
func (c imageCase) transform() *Transform {
	p := c.Params
	how := interpolations[p.Interp]
	switch c.Lib + " " + c.Op {
	case "PIL identity":
		return Rot90(0)
	case "PIL hflip":
		return FlipH()
	case "PIL vflip":
		return FlipV()
	case "PIL rot90_ccw":
		return Rot90(int(p.Degrees) / 90)
	case "PIL rotate_ccw":
		return PILRotate(p.Degrees, how)
	case "PIL shear_x":
		return PILShearX(p.Level)
	case "PIL shear_y":
		return PILShearY(p.Level)
	case "PIL translate_x":
		return PILTranslateX(int(p.Pixels))
	case "PIL translate_y":
		return PILTranslateY(int(p.Pixels))
	case "PIL brightness":
		return PILBrightness(p.Factor)
	case "PIL contrast":
		return PILContrast(p.Factor)
	case "PIL sharpness":
		return PILSharpness(p.Factor)
	case "PIL saturation":
		return PILColor(p.Factor)
	case "PIL hue":
		return PILHue(p.Factor)
	case "PIL gamma":
		return PILGamma(p.Gamma, p.Gain)
	case "PIL invert":
		return PILInvert()
	case "PIL autocontrast":
		return PILAutocontrast()
	case "PIL equalize":
		return PILEqualize()
	case "PIL posterize":
		return PILPosterize(int(p.Bits))
	case "PIL solarize":
		return PILSolarize(int(p.Threshold))
	case "PIL blur5":
		return PILBlur()
	case "PIL smooth3":
		return PILSmooth()
	case "PIL resize":
		return PILResize(p.H, p.W, map[string]Sampling{"nearest": NearestPillow, "bilinear_antialias": Antialiased}[p.Interp])
	case "PIL crop_bilinear":
		return PILCropBilinear(int(p.Level))
	case "PIL five_crop":
		return CropAt(map[string]Corner{"tl": TopLeft, "tr": TopRight, "bl": BottomLeft, "br": BottomRight,
			"center": CenterTorchvision}[p.Pos], p.H, p.W)
	case "PIL center_crop_torchvision":
		return CropAt(CenterTorchvision, p.H, p.W)
	case "ttach crop_lt":
		return CropAt(TopLeft, p.H, p.W)
	case "ttach crop_lb":
		return CropAt(BottomLeft, p.H, p.W)
	case "ttach crop_rb":
		return CropAt(BottomRight, p.H, p.W)
	case "ttach crop_rt":
		return CropAt(TopRight, p.H, p.W)
	case "ttach center_crop_ttach":
		return CropAt(CenterTtach, p.H, p.W)
	case "divyashan/ttach scale_centercrop_nearest":
		return ScaleCrop(p.Scale)
	case "torch interpolate":
		switch {
		case p.Mode == "nearest":
			return Resize(p.H, p.W, NearestTorch)
		case p.Corners:
			return Resize(p.H, p.W, BilinearCorners)
		}
		return Resize(p.H, p.W, Bilinear)
	case "torchvision resize":
		return Resize(p.H, p.W, Antialiased)
	case "torchvision rotate_ccw":
		return Rotate(p.Degrees, how)
	case "torchvision brightness":
		return Brightness(p.Factor)
	case "torchvision contrast":
		return Contrast(p.Factor)
	case "torchvision sharpness":
		return Sharpness(p.Factor)
	case "torchvision saturation":
		return Saturation(p.Factor)
	case "torchvision hue":
		return Hue(p.Factor)
	case "torchvision gamma":
		return Gamma(p.Gamma, p.Gain)
	case "torchvision gaussian_blur":
		return GaussianBlur(p.Kernel, p.Sigma)
	case "torchvision solarize":
		return Solarize(p.Threshold)
	case "torchvision invert":
		return Invert()
	case "torchvision autocontrast":
		return Autocontrast()
	case "torchvision affine":
		return Affine(AffineParams{Degrees: p.Degrees, TX: p.Translate[0], TY: p.Translate[1], Scale: p.Scale,
			ShearX: p.Shear[0], ShearY: p.Shear[1]}, how)
	}
	return nil
}

// fromCHW is an image of planes.
func fromCHW(h, w, c int, data []float64) Image {
	m := NewImage(h, w, c)
	for k := range c {
		for i := range h * w {
			m.Pix[i*c+k] = float32(data[k*h*w+i])
		}
	}
	return m
}

func TestGoldenImages(t *testing.T) {
	var file struct {
		Inputs map[string]golden.Tensor
		Cases  []imageCase
	}
	golden.JSON(t, "testdata/imageops.json.gz", &file)
	require.Len(t, file.Cases, 204)
	for _, c := range file.Cases {
		name := fmt.Sprint(c.Input, " ", c.Lib, " ", c.Op, " ", c.Params)
		tr := c.transform()
		require.NotNil(t, tr, name)
		in := file.Inputs[c.Input]
		m := NewImage(in.Shape[0], in.Shape[1], in.Shape[2])
		for i, v := range in.Data {
			m.Pix[i] = float32(v) / 255
		}
		before := append([]float32(nil), m.Pix...)
		out, err := tr.Apply(m)
		require.NoError(t, err, name)
		require.Equal(t, before, m.Pix, name)
		if c.Layout == "CHW" {
			want := fromCHW(c.Out.Shape[1], c.Out.Shape[2], c.Out.Shape[0], c.Out.Data)
			require.Equal(t, []int{want.H, want.W, want.C}, []int{out.H, out.W, out.C}, name)
			golden.Close(t, name, out.Pix, want.Pix, 0, 1e-5)
			continue
		}
		require.Equal(t, c.Out.Shape, []int{out.H, out.W, out.C}, name)
		tolerance := 1e-3 // of a level: exact
		if c.Op == "hue" || c.Params.Interp == "bilinear" || c.Params.Interp == "bilinear_antialias" ||
			c.Op == "crop_bilinear" {
			tolerance = 1.001
		}
		levels := make([]float32, len(out.Pix))
		for i, v := range out.Pix {
			levels[i] = v * 255
		}
		golden.Close(t, name, levels, c.Out.Data, 0, tolerance)
	}
}

type ttachCase struct {
	Kind, Name, Type, Merge string
	I                       int
	Inputs, Out             golden.Tensor
	Deaug                   golden.Tensor `json:"deaug_mask_of_aug_plus_ramp"`
	Weight                  golden.Tensor `json:"conv_weight"`
	N                       int
	Params                  [][]any
}

func policyOf(t *testing.T, name string) *tta.Policy[Image] {
	var p *tta.Policy[Image]
	var err error
	switch name {
	case "flip":
		p, err = Flips()
	case "d4":
		p, err = D4()
	case "hflip":
		p, err = Mirror(nil)
	case "multiscale":
		p, err = MultiScale(NearestTorch, 1, 2, 3)
	case "ten_crop":
		p, err = TenCrop(4, 3, CenterTtach)
	}
	require.NoError(t, err)
	require.NotNil(t, p, name)
	return p
}

func steps(v tta.View[Image]) []tta.Transform[Image] { return v.Steps }

func TestGoldenTtach(t *testing.T) {
	var file struct {
		Cases     []ttachCase
		Image     golden.Tensor
		Keypoints golden.Tensor `json:"keypoints_scaled"`
	}
	golden.JSON(t, "testdata/ttach.json.gz", &file)
	require.Len(t, file.Cases, 59)
	image := func(g golden.Tensor, n int) Image {
		size := g.Shape[1] * g.Shape[2] * g.Shape[3]
		return fromCHW(g.Shape[2], g.Shape[3], g.Shape[1], g.Data[n*size:(n+1)*size])
	}
	for _, c := range file.Cases {
		name := fmt.Sprint(c.Kind, " ", c.Name, " ", c.Type, " ", c.I)
		switch c.Kind {
		case "compose":
			assert.Equal(t, c.N, policyOf(t, c.Name).Len(), name)
		case "augment":
			v := policyOf(t, c.Name).Views()[c.I]
			for n := range 2 {
				m := image(file.Image, n)
				h, w := m.H, m.W
				for _, s := range steps(v) {
					var err error
					m, err = s.Apply(m)
					require.NoError(t, err, name)
				}
				golden.Close(t, name, m.Pix, image(c.Out, n).Pix, 0, 1e-5)
				if len(c.Deaug.Data) == 0 {
					_, err := Undo(m, h, w, steps(v))
					assert.ErrorIs(t, err, tta.ErrInverse, name)
					continue
				}
				for y := range m.H {
					for x := range m.W {
						for k := range m.C {
							m.At(y, x)[k] += 0.01 * float32(y*m.W+x)
						}
					}
				}
				back, err := Undo(m, h, w, steps(v))
				require.NoError(t, err, name)
				golden.Close(t, name+" back", back.Pix, image(c.Deaug, n).Pix, 0, 1e-5)
			}
		case "deaugment_keypoints":
			g, err := Geometry(6, 5, steps(policyOf(t, c.Name).Views()[c.I]))
			require.NoError(t, err)
			var got []float64
			for i := 0; i < len(file.Keypoints.Data); i += 2 {
				x, y := g.Normalized(file.Keypoints.Data[i], file.Keypoints.Data[i+1])
				got = append(got, x, y)
			}
			golden.Close(t, name, got, c.Out.Data, 0, 1e-5)
		case "merge":
			how, ok := map[string]tta.Merging{"mean": tta.MergeMean, "gmean": tta.MergeGeo, "sum": tta.MergeSum,
				"max": tta.MergeMax, "min": tta.MergeMin, "tsharpen": tta.MergeSharpen}[c.Type]
			require.True(t, ok, name)
			s := c.Inputs.Shape
			m, err := tta.NewMerger(how, s[1], 1, s[2])
			require.NoError(t, err)
			finite := true
			for a := range s[0] {
				values := make([]float32, s[1]*s[2])
				for i := range values {
					values[i] = float32(c.Inputs.Data[a*len(values)+i])
					finite = finite && (how != tta.MergeGeo && how != tta.MergeSharpen || values[i] >= 0)
				}
				if err := m.Add(values, 1); finite {
					require.NoError(t, err, name)
				}
			}
			dst := make([]float32, s[1]*s[2])
			require.NoError(t, m.Result(dst))
			golden.Close(t, name, dst, c.Out.Data, 1e-5, 1e-5)
		case "segmentation_tta":
			how := map[string]tta.Merging{"mean": tta.MergeMean, "max": tta.MergeMax}[c.Merge]
			for n := range 2 {
				m := image(file.Image, n)
				merger, err := tta.NewMerger(how, m.H, m.W, 2)
				require.NoError(t, err)
				for _, v := range policyOf(t, c.Name).Views() {
					x := m
					for _, s := range steps(v) {
						x, err = s.Apply(x)
						require.NoError(t, err)
					}
					back, err := Undo(convolve(x, c.Weight), m.H, m.W, steps(v))
					require.NoError(t, err)
					require.NoError(t, merger.Add(back.Pix, 1))
				}
				dst := make([]float32, m.H*m.W*2)
				require.NoError(t, merger.Result(dst))
				golden.Close(t, name, dst, image(c.Out, n).Pix, 0, 1e-5)
			}
		default:
			t.Fatal(name)
		}
	}
}

// convolve is a convolution of 3 x 3 with zeros around.
func convolve(m Image, w golden.Tensor) Image {
	out := NewImage(m.H, m.W, w.Shape[0])
	for y := range m.H {
		for x := range m.W {
			for o := range out.C {
				sum := 0.0
				for c := range m.C {
					for k := range 9 {
						u, v := y+k/3-1, x+k%3-1
						if u >= 0 && v >= 0 && u < m.H && v < m.W {
							sum += w.Data[(o*m.C+c)*9+k] * float64(m.At(u, v)[c])
						}
					}
				}
				out.At(y, x)[o] = float32(sum)
			}
		}
	}
	return out
}
