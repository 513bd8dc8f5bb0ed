"""Plants one break of each rule in a small tree and sees script/check-layers name it."""

import os
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "script", "check-layers")

GOOD_TREE = {
    "core/base/error.h": "#include <stdio.h>\n",
    "core/base/error.c": '#include "core/base/error.h"\n#include <omp.h>\n',
    "schemas/codec.h": '#include "core/base/error.h"\n',
    "adapters/sndfile/reader.c": '#include <sndfile.h>\n#include "core/base/error.h"\n',
    "adapters/memory/store.h": '#include "schemas/codec.h"\n',
    "workers/audio_intake/main.c": '#include "adapters/memory/store.h"\n',
    "workers/common/loop.c": '#include "core/base/error.h"\n',
    "tests/core/base/test_error.c": '#include <criterion/criterion.h>\n#include "core/base/error.h"\n',
}


class CheckLayers(unittest.TestCase):
    def check(self, planted):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD_TREE, **planted}.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, check=False)

    def refuses(self, planted, complaint):
        result = self.check(planted)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout.splitlines(), [complaint])

    def test_accepts_a_good_tree(self):
        result = self.check({})
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_core_includes_no_library(self):
        self.refuses({"core/base/sound.c": "#include <sndfile.h>\n"},
                     "core/base/sound.c:1: includes <sndfile.h>, which is no library of this layer")

    def test_core_includes_no_adapter(self):
        self.refuses({"core/base/sound.c": '\n  #  include "adapters/memory/store.h"\n'},
                     'core/base/sound.c:2: includes "adapters/memory/store.h"; may include core/ only')

    def test_schemas_include_no_worker(self):
        self.refuses({"workers/common/step.h": "", "schemas/x.c": '#include "workers/common/step.h"\n'},
                     'schemas/x.c:1: includes "workers/common/step.h"; may include core/, schemas/ only')

    def test_adapter_includes_no_other_adapter(self):
        self.refuses({"adapters/flaky/x.c": '#include "adapters/memory/store.h"\n'},
                     'adapters/flaky/x.c:1: includes "adapters/memory/store.h"; '
                     "may include core/, schemas/, adapters/flaky/ only")

    def test_adapter_includes_no_other_library(self):
        self.refuses({"adapters/sndfile/x.c": "#include <fftw3.h>\n"},
                     "adapters/sndfile/x.c:1: includes <fftw3.h>, which is no library of this layer")

    def test_unknown_adapter_needs_a_row(self):
        self.refuses({"adapters/tape/tape.c": ""},
                     "adapters/tape/tape.c:1: adapter tape has no row in LIBRARIES of script/check-layers")

    def test_step_names_no_concrete_adapter(self):
        self.refuses({"workers/audio_intake/intake.c": '#include "adapters/memory/store.h"\n'},
                     'workers/audio_intake/intake.c:1: includes "adapters/memory/store.h"; '
                     "may include core/, schemas/, workers/ only")

    def test_includes_start_at_the_root(self):
        self.refuses({"core/base/x.c": '#include "core/error.h"\n'},
                     'core/base/x.c:1: includes "core/error.h", which does not exist (includes start at the root)')

    def test_file_names_are_unique(self):
        self.refuses({"schemas/error.c": ""}, "schemas/error.c:1: has the same name as core/base/error.c")

    def test_files_are_short(self):
        self.refuses({"core/base/long.c": "\n" * 601},
                     "core/base/long.c:601: is 601 lines long; the limit is 600")


if __name__ == "__main__":
    unittest.main()
