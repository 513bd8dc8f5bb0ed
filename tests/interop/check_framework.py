#!/usr/bin/python3
"""Usage: check_framework.py SPIRACTL MODEL... -- RECORDING...

Whether each MODEL's weights load in the reference framework and give there what spiractl gives, and whether
weights trained and saved there give the same here, and in the ONNX file made of them."""
import pathlib
import sys
import tempfile

import numpy
import onnxruntime
import safetensors.torch
import torch

from models import Model, by_window, furthest, read_arguments

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
import make_models  # the network, as the framework's users write it

STEPS = 3


def network(model, frames, state=None):
    """The framework's network for windows of that many frames, with those weights."""
    words = model.description["configuration"]["model"]
    made = make_models.SpiraConv(norm={"spiraconv_v1": "batch", "spiraconv_v2": "group"}[words["name"]],
                                 frames=frames, features=model.features, per_frame=model.frames == 0,
                                 fc1=words["fc1_dim"])
    if state:
        made.load_state_dict(state, strict=True)
    return made


def probabilities(model, state):
    """Of each window of each recording, by the framework."""
    with torch.no_grad():
        return [by_window(network(model, windows.shape[1], state).eval()(torch.from_numpy(windows)).numpy())
                for windows in model.inputs]


def trained_there(model):
    """Weights after a few steps from a seed: the norms' statistics have moved too."""
    torch.manual_seed(1)
    windows = torch.from_numpy(model.inputs[0])
    made = network(model, windows.shape[1])
    with torch.no_grad():
        make_models.draw(made, torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(made.parameters(), lr=1e-3)
    for step in range(STEPS):
        optimizer.zero_grad()
        probability = made(windows)
        torch.nn.functional.binary_cross_entropy(probability, torch.full_like(probability, step % 2)).backward()
        optimizer.step()
    return {name: tensor.detach().clone() for name, tensor in made.state_dict().items()}


def check_ours_there(model):
    state = safetensors.torch.load_file(str(model.folder / "model.safetensors"))
    return furthest(probabilities(model, state), model.predict())


def check_theirs_here(model):
    state = trained_there(model)
    theirs = probabilities(model, state)
    with tempfile.TemporaryDirectory() as folder:
        weights, exported = f"{folder}/theirs.safetensors", f"{folder}/theirs.onnx"
        safetensors.torch.save_file(state, weights)
        apart = furthest(theirs, model.predict(weights))
        model.export(weights, exported)
        session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
        outputs = [session.run(None, {"features": windows})[0] for windows in model.inputs]
    return max(apart, furthest(theirs, [by_window(output) for output in outputs]))


def main():
    program, folders, recordings = read_arguments()
    torch.set_num_threads(1)
    for folder in folders:
        model = Model(program, folder, recordings)
        print(f"torch {torch.__version__}: {folder.name}: ours there at most {check_ours_there(model):.1e} apart, "
              f"theirs here {check_theirs_here(model):.1e}")


if __name__ == "__main__":
    main()
