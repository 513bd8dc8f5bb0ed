#!/usr/bin/python3 -B
"""Usage: check_spdx.py FILE

Holds a bill of materials in JSON against SPDX 2.3 with the SPDX project's own library (PYTHONPATH has it:
tests/interop/packages.sh spdx), and prints how many packages it lists. Exit code 1: it is not valid, and
each reason is a line.
"""

import json
import sys

from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def complaints(document):
    try:
        parsed = JsonLikeDictParser().parse(document)
    except SPDXParsingError as error:
        return error.get_messages()
    return [message.validation_message for message in validate_full_spdx_document(parsed, "SPDX-2.3")]


def main(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    found = complaints(document)
    for complaint in found:
        print(complaint, file=sys.stderr)
    if not found and not any(package["name"] == "spira" for package in document["packages"]):
        found = ["it does not list spira itself"]
        print(found[0], file=sys.stderr)
    if not found:
        print(len(document["packages"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
