#!/usr/bin/python3
"""Answers of the reference framework (torch and torchaudio) for drawn configurations, signals and
rates, in double precision, rounded once to float: features.drawn-RATE.safetensors and
resample.drawn-RATE.safetensors. The same seed draws the same.

Usage: tests/golden/drawn.py FOLDER [SEED [CONFIGURATIONS]]   writes them (seed 1, 3 configurations:
                                                              those in tests/golden/drawn)
       tests/golden/drawn.py --check GOLDEN-CHECK [SEED]      compares a score of them with ours;
                                                              exit code 77: no framework here"""
import json
import random
import subprocess
import sys
import tempfile

try:
    import torch
    import torchaudio

    import golden_writer
    import make_features
except ModuleNotFoundError as missing:
    print(f"{missing}: nothing is compared", file=sys.stderr)
    sys.exit(77)

CHECKED = 24
RATES = [4000, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000]
LARGEST_KERNELS = 1 << 20  # values, of the framework's resampler: below a second of its time


def draw_config(draw, rate):
    n_fft = draw.choice([draw.randint(64, 700), 1 << draw.randint(6, 10), 1200, 400])
    n_mels = draw.randint(1, min(64, n_fft // 4))
    f_min = draw.choice([0.0, round(draw.uniform(0, rate / 50), 1)])
    return dict(n_fft=n_fft, win_length=draw.randint(n_fft // 3, n_fft),
                hop_length=draw.randint(max(1, n_fft // 8), n_fft), n_mels=n_mels,
                n_mfcc=draw.randint(1, n_mels), f_min=f_min,
                f_max=draw.choice([None, round(draw.uniform(f_min + rate / 8, rate / 2), 1)]))


def draw_features(draw, rate, count):
    configs = {f"drawn{i}": draw_config(draw, rate) for i in range(count)}
    least = max(config["n_fft"] for config in configs.values()) // 2 + 1
    tensors = {}
    for samples in (least, least + draw.randint(1, 400)):
        name = f"of{samples}"
        level = 10 ** draw.uniform(-2, 0)
        wave = level * make_features.signal(samples, rate, draw.randint(0, 1 << 30))
        tensors[f"{name}.wave"] = wave
        for config in configs:
            for kind, values in make_features.features(wave.double(), configs[config], rate).items():
                tensors[f"{name}.{config}.{kind}"] = values
    return tensors, {"configs": json.dumps(configs), "rate": str(rate)}


def kernels(rate, target):
    """How many values the framework's kernels have."""
    divisor = torch.gcd(torch.tensor(rate), torch.tensor(target)).item()
    return (target // divisor) * (rate // divisor + 14 * max(1, rate // target))


def draw_resampled(draw, target):
    usable = [rate for rate in RATES if rate != target and kernels(rate, target) < LARGEST_KERNELS]
    tensors = {}
    for rate in draw.sample(usable, min(3, len(usable))):
        wave = make_features.signal(draw.randint(1, rate // 40), rate, draw.randint(0, 1 << 30))
        tensors[f"{rate}.in"] = wave
        tensors[f"{rate}.out"] = torchaudio.functional.resample(wave.double(), rate, target)
    return tensors, {"target": str(target)}


def write(folder, seed, count):
    torch.set_default_dtype(torch.float64)
    draw = random.Random(seed)
    source = {"source": f"torchaudio {torchaudio.__version__}, seed {seed}"}
    for rate in (make_features.RATE, draw.choice(RATES[:3]), draw.choice(RATES[5:])):
        tensors, metadata = draw_features(draw, rate, max(1, count // 3))
        golden_writer.write(f"{folder}/features.drawn-{rate}.safetensors", tensors,
                            {**metadata, **source})
    for target in draw.sample(RATES, max(1, count // 4)):
        tensors, metadata = draw_resampled(draw, target)
        golden_writer.write(f"{folder}/resample.drawn-{target}.safetensors", tensors,
                            {**metadata, **source})


def check(program, seed):
    with tempfile.TemporaryDirectory(prefix="spira-golden.") as folder:
        write(folder, seed, CHECKED)
        said = subprocess.run([program, folder], stdout=subprocess.PIPE, text=True)
    if said.returncode != 0:
        print(said.stdout)
    print(f"seed {seed}: {said.stdout.splitlines()[-1]}")
    return said.returncode


if __name__ == "__main__":
    if len(sys.argv) in (3, 4) and sys.argv[1] == "--check":
        sys.exit(check(sys.argv[2], int((sys.argv[3:] or ["1"])[0])))
    if len(sys.argv) not in (2, 3, 4) or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    write(sys.argv[1], *(int(text) for text in (sys.argv[2:] + ["1", "3"][len(sys.argv) - 2:])))
