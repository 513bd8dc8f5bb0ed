"""The reference framework's side of the measurement "pipeline": from the CSV to a model and its
evaluation, in one process, as `spiractl local run` goes with bench/pipeline.json. It keeps features and
models in memory; ours also copies and checks the recordings and keeps every step in the store."""

import csv
import json
import math
import os
import random
import tempfile
import time

import torch
import torchaudio

SILENCE = 1e-4


def load_config():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pipeline.json")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_csv(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Loader:
    """Decodes, mixes to one channel, resamples."""

    def __init__(self, folder, rate_hz):
        self.folder, self.rate_hz, self.resamplers = folder, rate_hz, {}

    def load(self, path):
        wave, rate_hz = torchaudio.load(os.path.join(self.folder, path))
        if rate_hz not in self.resamplers:
            self.resamplers[rate_hz] = torchaudio.transforms.Resample(rate_hz, self.rate_hz)
        return self.resamplers[rate_hz](wave.mean(0))


def add_noise(wave, noises, config):
    """A stretch of a noise, at a level drawn for its maximum."""
    for _ in range(100):
        noise = random.choice(noises)
        noise = noise.repeat(math.ceil(len(wave) / len(noise)) + 1)
        start = random.randrange(len(noise) - len(wave))
        stretch = noise[start:start + len(wave)]
        if stretch.max() >= SILENCE:
            return wave + stretch * (random.uniform(config["min_amp"], config["max_amp"]) / stretch.max())
    raise ValueError("a hundred silent stretches of noise in a row")


def compute_features(wave, mfcc, config):
    """(windows, frames, features)"""
    rate_hz, overlap = config["audio"]["sample_rate"], config["transform"]["overlap"]
    window, step = overlap["window_seconds"] * rate_hz, overlap["step_seconds"] * rate_hz
    wave = torch.nn.functional.pad(wave, (0, max(0, window - len(wave))))
    return mfcc(wave.unfold(0, window, step)).transpose(1, 2)


def prepare(folder, mfcc, config):
    """Of each role the recordings: label, and windows of each copy."""
    roles = {"train": [], "validation": [], "test": []}
    loader, noise = Loader(folder, config["audio"]["sample_rate"]), config["transform"]["noise"]
    noises = [loader.load(row["file_path"]) for row in read_csv(folder, "noise.csv")]
    for row in read_csv(folder, "metadata.csv"):
        wave, label = loader.load(row["file_path"]), int(row["class"])
        copies = []
        for _ in range(noise["copies"] if row["split"] == "train" else 1):
            noisy = wave
            for _ in range(noise["num_patient" if label else "num_control"]):
                noisy = add_noise(noisy, noises, noise)
            copies.append(compute_features(noisy, mfcc, config))
        roles[row["split"]].append((label, copies))
    return roles


def batch(recordings, copy=0):
    windows = torch.cat([copies[copy] for _, copies in recordings])
    labels = torch.cat([torch.full((len(copies[copy]), 1), float(label)) for label, copies in recordings])
    return windows, labels


def score(model, recordings):
    """The loss over all windows, and of each recording label and mean score."""
    model.eval()
    with torch.no_grad():
        outputs = [model(copies[0]) for _, copies in recordings]
    labels = batch(recordings)[1]
    loss = torch.nn.functional.binary_cross_entropy(torch.cat(outputs), labels).item()
    return loss, [(label, output.mean().item()) for (label, _), output in zip(recordings, outputs)]


def train(model, roles, config):
    """Leaves model with the weights of the best epoch; gives the number of steps."""
    settings, recordings, size = config["train"], roles["train"], config["train"]["batch_recordings"]
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["optimizer"]["learning_rate"],
                                 weight_decay=settings["optimizer"]["weight_decay"])
    warmup = settings["scheduler"]["warmup_steps"]
    noam = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: math.sqrt(warmup) * min((step + 1) * warmup ** -1.5, (step + 1) ** -0.5))
    steps, best, weights = 0, math.inf, None
    for epoch in range(settings["epochs"]):
        random.shuffle(recordings)
        model.train()
        for first in range(0, len(recordings) - size + 1, size):
            windows, labels = batch(recordings[first:first + size], epoch % config["transform"]["noise"]["copies"])
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy(model(windows), labels).backward()
            optimizer.step()
            noam.step()
            steps += 1
        loss, _ = score(model, roles["validation"])
        if loss < best:
            best, weights = loss, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    return steps


def evaluate(model, recordings):
    _, scores = score(model, recordings)
    hits = {label: [(value >= 0.5) == bool(label) for known, value in scores if known == label] for label in (0, 1)}
    sides = {label: [value for known, value in scores if known == label] for label in (0, 1)}
    above = sum((a > b) + 0.5 * (a == b) for a in sides[1] for b in sides[0])
    return {"accuracy": sum(hits[0] + hits[1]) / len(scores),
            "sensitivity": sum(hits[1]) / len(hits[1]), "specificity": sum(hits[0]) / len(hits[0]),
            "roc_auc": above / (len(sides[0]) * len(sides[1])),
            "brier": sum((value - label) ** 2 for label, value in scores) / len(scores), "scores": scores}


def pipeline(model, mfcc):
    """Seconds, then what both sides did: windows of all recordings, and training steps."""
    config, folder = load_config(), os.environ["SPIRA_BENCH_CORPUS"]
    random.seed(config["seed"])
    began = time.perf_counter()
    roles = prepare(folder, mfcc, config)
    steps = train(model, roles, config)
    with tempfile.TemporaryDirectory() as result:
        with open(os.path.join(result, "evaluation.json"), "w", encoding="utf-8") as file:
            json.dump(evaluate(model, roles["test"]), file)
        torch.save(model.state_dict(), os.path.join(result, "model.pt"))
    seconds = time.perf_counter() - began
    return seconds, sum(len(copies[0]) for role in roles.values() for _, copies in role), steps
