#!/usr/bin/python3
"""Usage: check_onnx.py SPIRACTL MODEL... -- RECORDING...

Whether each MODEL's model.onnx is what docs/export.md says, and gives in onnxruntime what spiractl gives,
for batches of any size. onnx's own checker looks at it where that is installed."""
import hashlib
import importlib.util
import json

import numpy
import onnxruntime

from models import Model, by_window, furthest, read_arguments


def check_file(model):
    import onnx

    path = str(model.folder / "model.onnx")
    file = onnx.load(path)
    onnx.checker.check_model(file, full_check=True)
    onnx.shape_inference.infer_shapes(file, check_type=True, strict_mode=True, data_prop=True)
    assert (file.ir_version, [(o.domain, o.version) for o in file.opset_import]) == (7, [("", 13)])
    # The weights under the framework's names, to the bit.
    import safetensors.numpy

    weights = safetensors.numpy.load_file(str(model.folder / "model.safetensors"))
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in file.graph.initializer}
    for name, weight in weights.items():
        if not name.endswith("num_batches_tracked"):
            assert numpy.array_equal(stored[name].reshape(weight.shape), weight), name


def check_words(model, session):
    said = session.get_modelmeta()
    words = said.custom_metadata_map
    assert said.producer_name == "spira" and said.graph_name == words["model"]
    assert words["model"] == model.description["configuration"]["model"]["name"]
    assert json.loads(words["configuration"]) == model.description["configuration"]
    assert words["sha256"] == hashlib.sha256((model.folder / "model.safetensors").read_bytes()).hexdigest()
    (features,), (probability,) = session.get_inputs(), session.get_outputs()
    assert (features.name, features.type) == ("features", "tensor(float)")
    assert features.shape == ["batch", model.frames or "frames", model.features], features.shape
    assert (probability.name, probability.type) == ("probability", "tensor(float)")
    assert probability.shape == (["batch"] if model.frames else ["batch", "time"]), probability.shape


def run(session, batch):
    (output,) = session.run(["probability"], {"features": batch})
    return output


def in_batches(session, windows, size):
    return numpy.concatenate([run(session, windows[i : i + size]) for i in range(0, len(windows), size)])


def check_answers(model, session):
    ours = model.predict()
    apart = furthest([by_window(run(session, windows)) for windows in model.inputs], ours)
    sizes = {len(windows) for windows in model.inputs}
    if model.frames:
        every = numpy.concatenate(model.inputs)
        for size in (1, 2, 5, len(every)):
            apart = max(apart, furthest([by_window(in_batches(session, every, size))], [numpy.concatenate(ours)]))
            sizes.add(size)
    else:
        # Windows of one length in a batch: the recording, and a part of the others as long.
        for i, windows in enumerate(model.inputs):
            others = [other[:, : windows.shape[1]] for other in model.inputs if other.shape[1] >= windows.shape[1]]
            batch = numpy.concatenate([windows] + others)
            output = run(session, batch)
            apart = max(apart, furthest([by_window(output[:1])], [ours[i]]))
            furthest([output], [in_batches(session, batch, 1)])
            sizes.add(len(batch))
    return apart, sizes


def main():
    program, folders, recordings = read_arguments()
    for folder in folders:
        model = Model(program, folder, recordings)
        if importlib.util.find_spec("onnx"):
            check_file(model)
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        check_words(model, session)
        apart, sizes = check_answers(model, session)
        print(f"onnxruntime {onnxruntime.__version__}: {folder.name}: at most {apart:.1e} apart, "
              f"batches of {', '.join(map(str, sorted(sizes)))}")


if __name__ == "__main__":
    main()
