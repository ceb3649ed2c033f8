// Package vision has views of images for [github.com/espalier-ml/espalier/tta], and takes what a model says of them
// back to the image.
//
// Libraries that train models differ in what a transform of a name does: where a pixel's middle is, whether a resize
// antialiases, on which side a tie falls. Each transform says whose rule it follows, and is tested against that
// library: those without a prefix are torchvision's or torch's on float tensors, those that begin with PIL are Pillow's
// on 8 bits. Use what the model was trained with.
//
//	p, err := vision.D4()
//	views := p.Views()
//	x, err := views[3].Steps[0].Apply(image)
//	map, err := vision.Undo(scores, image.H, image.W, views[3].Steps)   // flips exactly, a resize by its rule
//	g, err := vision.Geometry(image.H, image.W, views[3].Steps)            // points, boxes, angles and vectors
//
// Images are float32 [H, W, C]; other packages' planes [C, H, W] are transposed first. No image format is read here:
// [FromImage] takes what the standard library decodes.
package vision
