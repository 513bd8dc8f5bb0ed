#!/usr/bin/env python3
"""Usage: make_recordings.py FOLDER

Writes small WAV files into FOLDER: voice.wav (3 s at 8 kHz, harmonics with pauses), stereo.wav (5 s at
44.1 kHz, two channels), brief.wav (0.5 s), silence.wav, clipped.wav; and two that are no recordings:
text.wav, empty.wav.
"""

import math
import os
import struct
import sys
import wave


def write(folder, name, rate, channels, samples):
    with wave.open(os.path.join(folder, name), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        values = [max(-32767, min(32767, round(32767 * s))) for s in samples for _ in range(channels)]
        out.writeframes(struct.pack(f"<{len(values)}h", *values))


def voice(rate, seconds, level):
    """Harmonics of 120 Hz that stop for a moment each second."""
    for i in range(int(rate * seconds)):
        t = i / rate
        loud = level if t % 1 < 0.8 else 0
        yield loud * sum(math.sin(2 * math.pi * 120 * h * t) / h for h in range(1, 6)) / 2


def main():
    folder = sys.argv[1]
    write(folder, "voice.wav", 8000, 1, voice(8000, 3, 0.5))
    write(folder, "stereo.wav", 44100, 2, voice(44100, 5, 0.4))
    write(folder, "brief.wav", 16000, 1, voice(16000, 0.5, 0.5))
    write(folder, "silence.wav", 16000, 1, [0.0] * 16000)
    write(folder, "clipped.wav", 16000, 1, voice(16000, 1, 50))
    with open(os.path.join(folder, "text.wav"), "w", encoding="utf-8") as out:
        out.write("this is no sound\n")
    with open(os.path.join(folder, "empty.wav"), "wb"):
        pass


if __name__ == "__main__":
    main()
