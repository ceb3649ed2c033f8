"""Gradients of learned aggregation, and two image operations, in torch and Pillow: the peers of

    go test ./tta -run xxx -bench Gradient -cpu 1
    go test ./tta/vision -run xxx -bench 'Transforms/(FlipH|antialiased|Pillow)|FlipRows' -cpu 1

AugTTA is a weighted sum over views by matmul, which is what torch does fastest; ClassTTA the product and sum of the
released code, and einsum. One thread. Torch's kernels for the processor are printed.
"""

import statistics
import time

import peer

peer.best()

import torch  # noqa: E402
import torch.nn.functional as F

torch.set_num_threads(1)
print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, "cpu")
      and hasattr(torch.backends.cpu, "get_cpu_capability") else torch.__config__.show().split("CPU capability")[-1][:20])


def median_ms(f, seconds=0.3, rounds=9):
    times = []
    f()
    for _ in range(rounds):
        calls, start = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - start < seconds / rounds:
            f()
            calls += 1
        times.append((time.perf_counter() - start) / calls)
    return 1e3 * statistics.median(times)


n, views, classes = 4000, 30, 100
x = torch.randn(n, views, classes)
y = torch.randint(classes, (n,))
aug = torch.full((views,), 1 / views, requires_grad=True)
cls = torch.full((views, classes), 1 / views, requires_grad=True)


def step(weights, aggregate):
    def f():
        weights.grad = None
        F.cross_entropy(aggregate(), y).backward()
    return f


for name, f in {
    "AugTTA, matmul": step(aug, lambda: aug @ x),
    "AugTTA, product and sum": step(aug, lambda: (x * aug[:, None]).sum(1)),
    "ClassTTA, product and sum": step(cls, lambda: (x * cls).sum(1)),
    "ClassTTA, einsum": step(cls, lambda: torch.einsum("nac,ac->nc", x, cls)),
}.items():
    print(f"{name}: {median_ms(f):.2f} ms")

image = torch.rand(1, 3, 224, 224)
large = torch.rand(1, 3, 256, 256)
last = large.contiguous(memory_format=torch.channels_last)
print(f"flip of 3x224x224: {1e3 * median_ms(lambda: image.flip(3)):.0f} us")


def resized(source):
    return lambda: F.interpolate(source, size=(224, 224), mode="bilinear", antialias=True, align_corners=False)


print(f"antialiased 256 to 224: {1e3 * median_ms(resized(large)):.0f} us, "
      f"channels last {1e3 * median_ms(resized(last)):.0f} us")

try:
    from PIL import Image
    import PIL
    rgb = Image.fromarray((large[0].permute(1, 2, 0) * 255).byte().numpy())
    print(f"Pillow {PIL.__version__} antialiased 256 to 224: "
          f"{1e3 * median_ms(lambda: rgb.resize((224, 224), Image.BILINEAR)):.0f} us")
except ImportError:
    print("no Pillow")
