"""What the checks share: a trained model, what spiractl says of recordings with it, and comparing."""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import safetensors.numpy

TOLERANCE = 1e-5
# Probabilities that all lie closer than this would agree whatever the network does.
LEAST_SPREAD = 1e-3


def read_arguments():
    """The program, the folders of models, the recordings."""
    program, *rest = sys.argv[1:]
    split = rest.index("--")
    return program, [pathlib.Path(folder) for folder in rest[:split]], rest[split + 1 :]


class Model:
    """A folder with model.safetensors, model.json and model.onnx, and recordings seen by spiractl."""

    def __init__(self, program, folder, recordings):
        self.program, self.folder, self.recordings = program, folder, recordings
        self.description = json.loads((folder / "model.json").read_text())
        self.frames, self.features = self.description["frames"], self.description["features"]
        self.inputs = [self.input_of(path) for path in recordings]

    def run(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout

    def input_of(self, recording):
        """float32 (windows, frames, features), as the network gets them."""
        configuration = {**self.description["configuration"], "name": "interop", "seed": 1}
        with tempfile.TemporaryDirectory() as folder:
            config, out = f"{folder}/config.json", f"{folder}/features.safetensors"
            pathlib.Path(config).write_text(json.dumps(configuration))
            self.run("audio", "features", "--config", config, "--in", recording, "--out", out)
            features = safetensors.numpy.load_file(out)["features"]
        if self.frames:
            features = features[:, : self.frames]
            features = numpy.pad(features, ((0, 0), (0, self.frames - features.shape[1]), (0, 0)))
        return numpy.ascontiguousarray(features)

    def predict(self, weights=None):
        """spiractl's probability of each window of each recording, with these weights or its own."""
        inputs = [word for path in self.recordings for word in ("--in", path)]
        said = json.loads(self.run("model", "predict", "--model", weights or self.folder / "model.safetensors",
                                   "--model-config", self.folder / "model.json", *inputs, "-o", "json"))
        answers = [numpy.array(answer["windows"]) for answer in said]
        every = numpy.concatenate(answers)
        assert every.max() - every.min() > LEAST_SPREAD, f"{self.folder}: all probabilities are {every[0]}"
        return answers

    def export(self, weights, out):
        self.run("model", "export", "--model", weights, "--model-config", self.folder / "model.json",
                 "--format", "onnx", "--out", out)


def by_window(output):
    """The probability of each window of an output (windows) or (windows, time)."""
    return output.reshape(len(output), -1).astype(float).mean(axis=1)


def furthest(theirs, ours):
    """How far two lists of arrays are from each other; more than the tolerance is an error."""
    assert [a.shape for a in theirs] == [a.shape for a in ours]
    apart = max(numpy.abs(a - b).max() for a, b in zip(theirs, ours))
    assert apart <= TOLERANCE, f"{apart} apart: theirs {theirs}, ours {ours}"
    return apart
