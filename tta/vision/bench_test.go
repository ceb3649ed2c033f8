package vision

import "testing"

func BenchmarkTransforms(b *testing.B) {
	for _, c := range []struct {
		name string
		side int
		t    *Transform
	}{{"FlipH 224", 224, FlipH()}, {"Rot90 224", 224, Rot90(1)}, {"antialiased 256 to 224", 256, Resize(224, 224,
		Antialiased)},
		{"bilinear 256 to 224", 256, Resize(224, 224, Bilinear)}, {"Pillow 256 to 224", 256, PILResize(224, 224,
			Antialiased)},
		{"crop 256 to 224", 256, CropAt(CenterTtach, 224, 224)}, {"rotate 224", 224, Rotate(15, Linear)}} {
		b.Run(c.name, func(b *testing.B) {
			m := NewImage(c.side, c.side, 3)
			for i := range m.Pix {
				m.Pix[i] = float32(i%251) / 251
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.t.Apply(m); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.side*c.side)*float64(b.N)/1e6/b.Elapsed().Seconds(), "Mpixel/s")
		})
	}
}

// Into the same image again.
func BenchmarkApplyTo(b *testing.B) {
	for _, t := range []*Transform{FlipH(), FlipV(), Rot90(1), Resize(256, 256, Antialiased)} {
		b.Run(t.Name(), func(b *testing.B) {
			b.ReportAllocs()
			m, dst := NewImage(224, 224, 3), NewImage(256, 256, 3)
			for b.Loop() {
				if err := t.ApplyTo(&dst, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
