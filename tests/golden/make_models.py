#!/usr/bin/python3
"""Makes tests/golden/vectors/model.*.small.safetensors: SpiraConv in the reference framework (torch),
in double precision, rounded once to float: inference, and three steps of training on one batch.

Usage: tests/golden/make_models.py FOLDER    (needs python3-torch)"""
import sys

import torch
from torch import nn

import golden_writer

# Small, with lengths that leave a frame over before some pooling. num_batches_tracked: its shape.
MODELS = {
    "v1": dict(norm="batch", frames=71, features=3, per_frame=False, fc1=7, windows=4, number=[1]),
    "v1-frames": dict(norm="batch", frames=84, features=2, per_frame=True, fc1=5, windows=3, number=[]),
    "v2": dict(norm="group", frames=75, features=3, per_frame=False, fc1=6, windows=3, number=[]),
    "v2-frames": dict(norm="group", frames=97, features=2, per_frame=True, fc1=8, windows=2, number=[]),
}
# kernel and dilation in time, channels, groups, whether a pooling follows
CONVOLUTIONS = [(7, 2, 32, 16, True), (5, 2, 16, 8, True), (3, 2, 8, 4, True), (2, 1, 4, 2, False)]
BASE, WARMUP, DECAY, STEPS = 1e-3, 10, 0.01, 3
# A pair of max-pooling closer than this might be decided otherwise in single precision.
LEAST_GAP = 2e-5


class Pool(nn.MaxPool2d):
    """Max-pooling by two in time that remembers the closest pair it ever decided."""

    def __init__(self):
        super().__init__((2, 1))
        self.gap = float("inf")

    def forward(self, x):
        even = x[:, :, : x.shape[2] // 2 * 2]
        self.gap = min(self.gap, (even[:, :, 0::2] - even[:, :, 1::2]).abs().min().item())
        return super().forward(x)


class SpiraConv(nn.Module):
    def __init__(self, norm, frames, features, per_frame, fc1):
        super().__init__()
        layers, channels = [], 1
        for kernel, dilation, out, groups, pooled in CONVOLUTIONS:
            layers.append(nn.Conv2d(channels, out, (kernel, 1), dilation=(dilation, 1)))
            layers.append(nn.GroupNorm(groups, out) if norm == "group" else nn.BatchNorm2d(out))
            layers.append(nn.Mish())
            layers += [Pool()] if pooled else []
            layers.append(nn.Dropout(0))
            channels, frames = out, (frames - dilation * (kernel - 1)) // (2 if pooled else 1)
        self.conv = nn.Sequential(*layers)
        self.per_frame, self.frames = per_frame, frames
        self.fc1 = nn.Linear(channels * features * (1 if per_frame else frames), fc1)
        self.fc2 = nn.Linear(fc1, 1)

    def forward(self, x):
        y = self.conv(x.unsqueeze(1)).transpose(1, 2).reshape(len(x), self.frames, -1)
        y = y if self.per_frame else y.flatten(1)
        return torch.sigmoid(self.fc2(nn.functional.mish(self.fc1(y))))


def rounded(tensor):
    """As float32 has it, in double: what is written is what is computed with."""
    return tensor.float().double()


def draw(model, random):
    """Weights as training starts, moved a little, so that norms and statistics take part."""
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            fan_in = tensor[0].numel() if tensor.dim() > 1 else 16
            noise = torch.rand(tensor.shape, generator=random) * 2 - 1
            start = tensor if name.split(".")[0] == "conv" and tensor.dim() == 1 else 0
            tensor.copy_(rounded(start + noise / fan_in**0.5))
        if name.endswith("running_var"):
            tensor.abs_()


def state(model, prefix, number):
    return {prefix + name: tensor.detach().clone().reshape(number if tensor.dim() == 0 else tensor.shape)
            for name, tensor in model.state_dict().items()}


def train(model, tensors, number):
    """Adds to tensors what three steps of training without dropout give."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=DECAY)
    for step in range(1, STEPS + 1):
        optimizer.param_groups[0]["lr"] = BASE * WARMUP**0.5 * min(step * WARMUP**-1.5, step**-0.5)
        optimizer.zero_grad()
        probability = model(tensors["input"])
        target = tensors["target"].reshape([-1] + [1] * (probability.dim() - 1))
        loss = nn.functional.binary_cross_entropy(probability, target.expand_as(probability))
        loss.backward()
        tensors[f"train.loss.{step}"] = loss.detach().reshape(1)
        if step == 1:
            tensors["train.probability"] = probability.detach()
            for name, parameter in model.named_parameters():
                tensors["grad." + name] = parameter.grad.clone()
        optimizer.step()
    tensors.update(state(model, f"after{STEPS}.", number))


def make(config, seed):
    """The tensors, and the closest pair of a max-pooling."""
    random = torch.Generator().manual_seed(seed)
    shape = {key: config[key] for key in ("norm", "frames", "features", "per_frame", "fc1")}
    model = SpiraConv(**shape)
    with torch.no_grad():
        draw(model, random)
        count = config["windows"]
        tensors = state(model, "weights.", config["number"])
        tensors["input"] = rounded(torch.randn(count, config["frames"], config["features"], generator=random))
        tensors["target"] = (torch.arange(count) % 2).double().reshape(count, 1)
        tensors["eval.probability"] = model.eval()(tensors["input"])
    train(model, tensors, config["number"])
    return tensors, min(layer.gap for layer in model.conv if isinstance(layer, Pool))


def metadata(config):
    zero = [f"conv.{index}.bias" for index in (0, 5, 10, 15)] if config["norm"] == "batch" else []
    return {
        **{key: str(config[key]) for key in ("norm", "frames", "features", "per_frame", "fc1")},
        "dropout": "0 in the training part",
        "zero_gradients": ",".join(zero),
        "optimizer": f"Adam lr=noam(step,1e-3,warmup {WARMUP}) weight_decay={DECAY} (L2), "
                     f"{STEPS} steps on the same batch",
        "source": f"torch {torch.__version__}, float64, rounded once",
    }


def main(folder):
    torch.set_default_dtype(torch.float64)
    for name, config in MODELS.items():
        seed, gap = 0, 0
        while gap < LEAST_GAP:
            seed += 1
            tensors, gap = make(config, seed)
        golden_writer.write(f"{folder}/model.{name}.small.safetensors", tensors, metadata(config))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
