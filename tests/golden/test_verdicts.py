"""Usage: test_verdicts.py GOLDEN_CHECK VECTORS

Damages copies of golden vectors in every way there is and sees golden-check refuse each."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = VECTORS = None
SIZES = {"F32": 4, "F64": 8, "I64": 8}
CODES = {"F32": "f", "F64": "d", "I64": "q"}
NOT_A_NUMBER = float("nan")


def read(path):
    """Gives {name: [dtype, shape, values]} and the metadata."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        count = (end - begin) // SIZES[entry["dtype"]]
        values = struct.unpack(f"<{count}{CODES[entry['dtype']]}", content[begin:end])
        tensors[name] = [entry["dtype"], entry["shape"], list(values)]
    return tensors, metadata


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name in sorted(tensors, key=lambda name: -SIZES[tensors[name][0]]):
        dtype, shape, values = tensors[name]
        raw = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Verdicts(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name

    def check(self, *arguments):
        """Exit code and lines of golden-check, on the scratch folder unless told."""
        result = subprocess.run([PROGRAM, *(arguments or [self.folder])], capture_output=True, text=True, check=False)
        self.assertIn(result.returncode, (0, 1, 2), result.stderr)
        return result.returncode, result.stdout.splitlines()

    def plant(self, name, change=None):
        """Makes the folder hold one committed file of vectors, changed."""
        for other in os.listdir(self.folder):
            os.remove(os.path.join(self.folder, other))
        tensors, metadata = read(os.path.join(VECTORS, name))
        if change:
            change(tensors, metadata)
        write(os.path.join(self.folder, name), tensors, metadata)

    def refused(self, what):
        """golden-check exits 1 and a line that names what says FAILED."""
        code, lines = self.check()
        failed = [line for line in lines if line.endswith(": FAILED")]
        self.assertEqual(code, 1)
        self.assertTrue(any(what in line for line in failed), f"{what} is not in {failed}")
        return lines

    def files(self):
        return sorted(os.listdir(VECTORS))

    def compared(self, name):
        """Names of the tensors of a file that golden-check says it compared."""
        self.plant(name)
        code, lines = self.check()
        self.assertEqual(code, 0)
        return [line.split(": ")[1] for line in lines if ": error " in line]

    def test_accepts_what_is_undamaged_with_a_line_for_each_tensor(self):
        for name in self.files():
            shutil.copy(os.path.join(VECTORS, name), self.folder)
        code, lines = self.check()
        self.assertEqual(code, 0)
        tensors = [f"{name}: {tensor}: " for name in self.files()
                   for tensor in read(os.path.join(VECTORS, name))[0]]
        self.assertEqual(len(lines), len(tensors) + 1)
        for start in tensors:
            self.assertEqual(sum(line.startswith(start) for line in lines), 1, start)
        self.assertRegex(lines[-1], rf"^{len(self.files())} files, {len(tensors)} tensors \(.*\), 0 failures, "
                                    r"worst error 0\.\d+ of its tolerance \(.+\)$")

    def test_refuses_every_altered_tensor(self):
        for name in self.files():
            compared = self.compared(name)

            def alter(tensors, _metadata, compared=compared):
                for tensor in compared:
                    dtype, _shape, values = tensors[tensor]
                    largest = max(abs(value) for value in values)
                    values[-1] += 1 if dtype == "I64" else 1e-2 * largest + 1e-2
            self.plant(name, alter)
            code, lines = self.check()
            self.assertEqual(code, 1)
            for tensor in compared:
                self.assertTrue(any(f": {tensor}: " in line and line.endswith(": FAILED") for line in lines), tensor)

    def test_refuses_every_missing_tensor(self):
        # One file of each kind; of the models the one with every kind of tensor.
        for name in ("features.small.safetensors", "metrics.safetensors", "model.v1.small.safetensors",
                     "resample.small.safetensors"):
            for tensor in read(os.path.join(VECTORS, name))[0]:
                if tensor.startswith("noam."):
                    continue  # which schedules there are, only the file says
                self.plant(name, lambda tensors, _metadata, tensor=tensor: tensors.pop(tensor))
                self.assertEqual(self.check()[0], 1, f"{name} without {tensor}")

    def test_names_a_missing_tensor(self):
        self.plant("model.v2.small.safetensors", lambda tensors, _metadata: tensors.pop("grad.fc1.bias"))
        self.refused("grad.fc1.bias: missing")

    def test_refuses_metrics_without_a_learning_rate(self):
        def drop(tensors, _metadata):
            for name in [name for name in tensors if name.startswith("noam.")]:
                tensors.pop(name)
        self.plant("metrics.safetensors", drop)
        self.refused("noam.*: missing")

    def test_refuses_a_tensor_of_unknown_kind(self):
        for name in self.files():
            self.plant(name, lambda tensors, _metadata: tensors.update(other=["F32", [1], [0.0]]))
            self.refused(f"{name}: other: a tensor of unknown kind")

    def test_refuses_missing_metadata(self):
        for key in ("norm", "frames", "features", "per_frame", "fc1", "zero_gradients", "optimizer"):
            with self.subTest(key=key):
                self.plant("model.v2.small.safetensors", lambda _tensors, metadata, key=key: metadata.pop(key))
                self.refused(f"metadata '{key}': missing")

    def test_refuses_what_is_no_number(self):
        def spoil(tensors, _metadata):
            tensors["input"][2][0] = NOT_A_NUMBER
        self.plant("model.v2.small.safetensors", spoil)
        lines = self.refused("eval.probability: error nan")
        self.assertIn("worst error inf of its tolerance", lines[-1])

    def test_refuses_a_file_of_unknown_kind(self):
        for name in ("other.safetensors", "features.small.npz", "notes"):
            with self.subTest(name=name):
                self.plant("resample.small.safetensors")
                path = os.path.join(self.folder, name)
                shutil.copy(os.path.join(VECTORS, "resample.small.safetensors"), path)
                self.refused(f"{name}: a file of unknown kind")

    def test_refuses_a_damaged_file(self):
        self.plant("resample.small.safetensors")
        path = os.path.join(self.folder, "resample.small.safetensors")
        os.truncate(path, os.path.getsize(path) - 1)
        self.refused("resample.small.safetensors: ")

    def test_refuses_a_file_with_nothing_to_compare(self):
        for name in self.files():
            self.plant(name, lambda tensors, _metadata: tensors.clear())
            self.refused(f"{name}: ")

    def test_refuses_a_folder_without_vectors(self):
        self.refused("no golden vectors")
        with open(os.path.join(self.folder, "README.md"), "w", encoding="utf-8") as file:
            file.write("what explains the vectors is none\n")
        self.refused("no golden vectors")

    def test_refuses_a_folder_that_is_not_there(self):
        code, lines = self.check(os.path.join(self.folder, "absent"))
        self.assertEqual(code, 1)
        self.assertIn("No such file or directory: FAILED", lines[0])

    def test_explains_its_usage(self):
        result = subprocess.run([PROGRAM], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (2, "usage: golden-check DIR\n"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    PROGRAM, VECTORS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
