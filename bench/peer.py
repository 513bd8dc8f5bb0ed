"""The reference framework's side of script/bench: answers each line "<name> <threads>" on stdin with
one figure on stdout, for the same shapes as spira-bench (bench.h has the units)."""

import os
import statistics
import sys
import tempfile
import time

import torch
import torchaudio
from torch import nn

import peer_pipeline

CLIPS, SECONDS, RATE_HZ, FILE_RATE_HZ = 8, 10, 16000, 48000
FRAMES, FEATURES = 401, 40


def median_seconds(work, enough=1.0):
    work()
    seconds, began = [], time.perf_counter()
    while time.perf_counter() - began < enough:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def per_second_of_audio(seconds):
    return seconds * 1e6 / (CLIPS * SECONDS)


def transform():
    return torchaudio.transforms.MFCC(
        RATE_HZ, n_mfcc=40, log_mels=False,
        melkwargs={"n_fft": 1200, "win_length": 400, "hop_length": 160, "n_mels": 40})


def features():
    waves, mfcc = torch.rand(CLIPS, SECONDS * RATE_HZ) * 2 - 1, transform()
    return per_second_of_audio(median_seconds(lambda: mfcc(waves)))


def features_file():
    mfcc, resample = transform(), torchaudio.transforms.Resample(FILE_RATE_HZ, RATE_HZ)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{i}.wav") for i in range(CLIPS)]
        for path in paths:
            torchaudio.save(path, torch.rand(1, SECONDS * FILE_RATE_HZ) * 2 - 1, FILE_RATE_HZ,
                            encoding="PCM_S", bits_per_sample=16)
        return per_second_of_audio(
            median_seconds(lambda: [mfcc(resample(torchaudio.load(path)[0])) for path in paths]))


def resample():
    waves = torch.rand(CLIPS, SECONDS * FILE_RATE_HZ) * 2 - 1
    work = torchaudio.transforms.Resample(FILE_RATE_HZ, RATE_HZ)
    return per_second_of_audio(median_seconds(lambda: work(waves)))


class SpiraConv(nn.Module):
    """SpiraConv; v2 for windows of 401 x 40 as published."""

    def __init__(self, version=2, frames=FRAMES, features=FEATURES):
        super().__init__()
        norm = nn.GroupNorm if version == 2 else lambda groups, channels: nn.BatchNorm2d(channels)
        layers = []
        for into, out, kernel, dilation, groups, pooled in (
                (1, 32, 7, 2, 16, True), (32, 16, 5, 2, 8, True), (16, 8, 3, 2, 4, True), (8, 4, 2, 1, 2, False)):
            layers += [nn.Conv2d(into, out, (kernel, 1), dilation=(dilation, 1)), norm(groups, out), nn.Mish()]
            layers += [nn.MaxPool2d((2, 1))] if pooled else []
            layers += [nn.Dropout(0.7)]
        self.conv = nn.Sequential(*layers)
        left = self.conv(torch.zeros(2, 1, frames, features)).shape[2]
        self.fc1, self.fc2 = nn.Linear(left * 4 * features, 100), nn.Linear(100, 1)
        self.mish, self.dropout = nn.Mish(), nn.Dropout(0.7)

    def forward(self, x):
        x = self.conv(x.unsqueeze(1)).transpose(1, 2).flatten(1)
        return torch.sigmoid(self.fc2(self.dropout(self.mish(self.fc1(x)))))


def train(version=2, frames=FRAMES, features=FEATURES):
    count, model = 20, SpiraConv(version, frames, features)
    windows, labels = torch.randn(count, frames, features), (torch.arange(count) % 2).float().unsqueeze(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.01)

    def step():
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy(model(windows), labels).backward()
        optimizer.step()

    return count / median_seconds(step, enough=3.0)


def infer(count=64):
    model, windows = SpiraConv().eval(), torch.randn(count, FRAMES, FEATURES)
    with torch.no_grad():
        return median_seconds(lambda: model(windows))


MEASUREMENTS = {
    "features": features, "features_file": features_file, "resample": resample, "train": train,
    "train_v1": lambda: train(version=1), "train_900": lambda: train(frames=900),
    "train_mel80": lambda: train(features=80),
    "infer": lambda: 64 / infer(), "infer_one": lambda: 1e3 * infer(1),
    "pipeline": lambda: peer_pipeline.pipeline(SpiraConv(), transform())}


def main():
    for line in sys.stdin:
        name, threads = line.split()
        torch.set_num_threads(int(threads))
        answer = MEASUREMENTS[name]()
        print(*(f"{figure:.6g}" for figure in (answer if isinstance(answer, tuple) else (answer,))), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(f"torch {torch.__version__}, torchaudio {torchaudio.__version__}")
    else:
        main()
