"""A dataset of random windows, as large as one wants it, for tests of training alone."""
import array
import hashlib
import json
import os
import random
import struct

FEATURES = 40


def draw_windows(frames):
    """Some windows of noise, as bytes; enough that neighbours differ."""
    numbers = random.Random(1)
    return [array.array("f", (numbers.gauss(-40, 15) for _ in range(frames * FEATURES))).tobytes()
            for _ in range(8)]


def write_shard(path, recordings, frames, windows):
    """A shard as core/dataset/shard.h says."""
    header, size = {}, 0
    for recording in recordings:
        for copy in range(recording["copies"]):
            begin, size = size, size + recording["windows"] * len(windows[0])
            header[f"{recording['sha256']}.{copy}"] = {
                "dtype": "F32", "shape": [recording["windows"], frames, FEATURES],
                "data_offsets": [begin, size]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for i in range(size // len(windows[0])):
            file.write(windows[i * 5 % len(windows)])
    return 8 + len(text) + size


def write_dataset(folder, most_bytes, frames, one_in, windows_each=3, shard_recordings=32):
    """Writes dataset.json and shards of about that many bytes, of recordings of windows_each windows; one
    of one_in is for training, in two copies. Returns the counts of recordings, shards and bytes. Holds one shard at a time: what
    this process holds would count for a child that it starts."""
    windows = draw_windows(frames)
    recording = shard = written = 0
    with open(os.path.join(folder, "dataset.json"), "w") as document:
        document.write('{"format": 1, "digest": "%s", "features": %d, "longest_train_frames": %d, '
                       '"recordings": [' % ("0" * 64, FEATURES, frames))
        while written < most_bytes:
            rows = []
            for _ in range(shard_recordings):
                train = recording % one_in == 0
                rows.append({
                    "sha256": hashlib.sha256(str(recording).encode()).hexdigest(),
                    "recording_id": f"ward/{recording}/aceite-{recording}.wav",
                    "label": recording // one_in % 2, "role": "train" if train else "validation",
                    "patient": f"ward_{recording // 4}", "shard": shard, "copies": 1 + train,
                    "metadata": {"gender": "f", "age": "44", "mask": "n95", "hospital": "ward"},
                    "windows": windows_each, "frames": frames})
                recording += 1
            path = os.path.join(folder, f"shard-{shard:05d}.safetensors")
            written += write_shard(path, rows, frames, windows)
            document.write((",\n" if shard else "") + ",\n".join(json.dumps(row) for row in rows))
            shard += 1
        document.write('], "shards": [%s]}' % ", ".join('{"shard": %d}' % i for i in range(shard)))
    return recording, shard, written
