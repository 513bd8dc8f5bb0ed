#!/usr/bin/python3
"""Makes tests/golden/vectors/{features,resample}.small.safetensors: answers of the reference
framework (torch and torchaudio) in double precision, rounded once to float.

Usage: tests/golden/make_features.py FOLDER    (needs python3-torch and python3-torchaudio)"""
import json
import math
import sys

import torch
import torchaudio

import golden_writer

CONFIGS = {
    "paper": dict(n_fft=1200, win_length=400, hop_length=160, n_mels=40, n_mfcc=40, f_min=0.0, f_max=None),
    "odd": dict(n_fft=301, win_length=256, hop_length=100, n_mels=20, n_mfcc=13, f_min=50.0, f_max=7600.0),
}
RATE = 16000
RESAMPLED_FROM = [8000, 11025, 16001, 22050, 48000, 192000]


def signal(samples, rate, seed):
    """A rising tone, noise, and a click at each end: something at every frequency and edge."""
    random = torch.Generator().manual_seed(seed)
    t = torch.arange(samples, dtype=torch.float64) / rate
    wave = 0.3 * torch.sin(2 * math.pi * (200 * t + 0.2 * rate * t * t))
    wave += 0.05 * torch.randn(samples, generator=random, dtype=torch.float64)
    wave[0] += 0.5
    wave[-1] -= 0.5
    return wave.float()


def decibels(mel):
    return torchaudio.functional.amplitude_to_DB(mel[None], 10.0, 1e-10, 0.0, 80.0)[0]


def features(wave, config, rate=RATE):
    shape = dict(n_fft=config["n_fft"], win_length=config["win_length"], hop_length=config["hop_length"])
    mels = dict(n_mels=config["n_mels"], f_min=config["f_min"], f_max=config["f_max"])
    spectrogram = torchaudio.transforms.Spectrogram(**shape)(wave)
    bins = config["n_fft"] // 2 + 1
    mel = torchaudio.transforms.MelScale(sample_rate=rate, n_stft=bins, **mels)(spectrogram)
    dct = torchaudio.functional.create_dct(config["n_mfcc"], config["n_mels"], "ortho")
    return {
        "spectrogram": spectrogram.T,
        "melspectrogram": mel.T,
        "mfcc.log0": decibels(mel).T @ dct,
        "mfcc.log1": torch.log(mel + 1e-6).T @ dct,
    }


def main(folder):
    torch.set_default_dtype(torch.float64)
    source = f"torchaudio {torchaudio.__version__}"
    tensors = {}
    for name, samples in (("short", 3217), ("least", 601)):
        tensors[f"{name}.wave"] = wave = signal(samples, RATE, samples)
        for config in CONFIGS:
            for kind, values in features(wave.double(), CONFIGS[config]).items():
                tensors[f"{name}.{config}.{kind}"] = values
    golden_writer.write(f"{folder}/features.small.safetensors", tensors, {"configs": json.dumps(CONFIGS), "source": source})

    tensors = {}
    for rate in RESAMPLED_FROM:
        tensors[f"{rate}.in"] = wave = signal(rate // 16 + 7, rate, rate)
        tensors[f"{rate}.out"] = torchaudio.functional.resample(wave.double(), rate, RATE)
    golden_writer.write(f"{folder}/resample.small.safetensors", tensors, {"target": str(RATE), "source": source})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
