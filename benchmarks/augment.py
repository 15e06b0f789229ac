"""Time weak and strong views of 32x32 colour images against the same views made with Pillow.

    python benchmarks/augment.py [--images 448] [--pairs 7] [--device cpu] [--workers 2]

Pillow works in as many processes as there are workers, as a DataLoader does; torch in as many
threads. The two run in turn; the ratio of each pair is printed, and the median. On CUDA the views
alone are timed.
"""

import argparse
import random
import time
from multiprocessing import Pool

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

from sklearn_ssl.augment import RandAugment, ShiftFlip


def affine(image, *matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, fillcolor=(127, 127, 127))


def enhance(kind):
    return lambda image, level: kind(image).enhance(0.1 + 0.18 * level)


def sign():
    return random.choice((-1, 1))


OPERATIONS = [
    lambda image, level: image,
    lambda image, level: ImageOps.autocontrast(image),
    lambda image, level: ImageOps.equalize(image),
    enhance(ImageEnhance.Brightness),
    enhance(ImageEnhance.Color),
    enhance(ImageEnhance.Contrast),
    enhance(ImageEnhance.Sharpness),
    lambda image, level: ImageOps.posterize(image, 4 - int(0.4 * level)),
    lambda image, level: ImageOps.solarize(image, 256 - int(25.6 * level)),
    lambda image, level: image.rotate(3 * level * sign(), fillcolor=(127, 127, 127)),
    lambda image, level: affine(image, 1, 0.03 * level * sign(), 0, 0, 1, 0),
    lambda image, level: affine(image, 1, 0, 0, 0.03 * level * sign(), 1, 0),
    lambda image, level: affine(image, 1, 0, level * sign(), 0, 1, 0),
    lambda image, level: affine(image, 1, 0, 0, 0, 1, level * sign()),
]


def weak_by_pillow(array):
    """Flip and shift by up to 4 pixels with reflected borders."""
    image = Image.fromarray(np.pad(array, ((4, 4), (4, 4), (0, 0)), mode="reflect"))
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    x, y = random.randrange(9), random.randrange(9)
    return image.crop((x, y, x + 32, y + 32))


def pair_by_pillow(array):
    """One weak and one strong view: float arrays (3, 32, 32) in [0, 1], as a network needs them."""
    weak, strong = weak_by_pillow(array), weak_by_pillow(array)
    for _ in range(2):
        operation = random.choice(OPERATIONS)
        if random.random() < 0.5:
            strong = operation(strong, random.randrange(1, 10))
    weak, strong = (
        np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255 for image in (weak, strong)
    )
    y, x = random.randrange(32), random.randrange(32)
    strong[:, max(0, y - 8) : y + 8, max(0, x - 8) : x + 8] = 0.5
    return weak, strong


def chunk_by_pillow(arrays):
    pairs = [pair_by_pillow(array) for array in arrays]
    return np.stack([weak for weak, _ in pairs]), np.stack([strong for _, strong in pairs])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=448)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.workers)
    images = np.random.default_rng(0).integers(0, 256, (args.images, 32, 32, 3), dtype=np.uint8)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(args.device)
    g = torch.Generator(args.device).manual_seed(0)
    weak, strong = ShiftFlip(), RandAugment()

    def ours(repeats=10):
        start = time.perf_counter()
        for _ in range(repeats):
            rows = x.float().div_(255)
            weak(rows, g), strong(rows, g)
        if x.is_cuda:
            torch.cuda.synchronize()
        return repeats * len(x) / (time.perf_counter() - start)

    ours(3)
    if x.is_cuda:
        print(f"{torch.cuda.get_device_name()}: {ours(200):,.0f} weak + strong images a second")
        return
    ratios = []
    with Pool(args.workers) as pool:
        parts = np.array_split(images, args.workers)
        pool.map(chunk_by_pillow, parts)
        for _ in range(args.pairs):
            start = time.perf_counter()
            pool.map(chunk_by_pillow, parts)
            pillow = len(images) / (time.perf_counter() - start)
            fast = ours()
            ratios.append(fast / pillow)
            print(f"Pillow {pillow:,.0f} images/s, ours {fast:,.0f}, ratio {ratios[-1]:.1f}")
    print(f"median ratio {np.median(ratios):.1f} (at least 6 is the aim)")


if __name__ == "__main__":
    main()
