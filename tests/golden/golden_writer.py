"""Writes tensors (torch) as a safetensors file: floats as F32, whole numbers as I64."""
import json
import struct


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    # Wide elements first: the data has no gaps, and each tensor begins at a multiple of its element.
    for name in sorted(tensors, key=lambda name: (tensors[name].is_floating_point(), name)):
        tensor = tensors[name]
        dtype, code = ("F32", "f") if tensor.is_floating_point() else ("I64", "q")
        raw = struct.pack(f"<{tensor.numel()}{code}", *tensor.flatten().tolist())
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)
