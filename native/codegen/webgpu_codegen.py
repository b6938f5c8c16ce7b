"""Writes the WebGPU client, decoder and report from the files of the installed wgpu package.

python webgpu_codegen.py --idl webgpu.idl --header webgpu.h --wgpu-header wgpu.h
    --client webgpu-generated.js --server-header webgpu_decoder.hpp --server webgpu_decoder.cpp
    --report webgpu_report.md
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from webgpu import header, idl, report
from webgpu.client import ClientWriter
from webgpu.model import Model
from webgpu.server import ServerWriter


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("idl", "header", "wgpu-header", "client", "server-header", "server", "report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        model = Model(
            idl.parse(arguments.idl.read_text()),
            header.parse(arguments.header.read_text(), arguments.wgpu_header.read_text()),
        )
        client, server = ClientWriter(model), ServerWriter(model)
        outputs = {
            arguments.client: client.write(),
            arguments.server_header: server.write_header(),
            arguments.server: server.write_source(),
        }
    except (OSError, SyntaxError, ValueError) as error:
        print(f"webgpu_codegen: {error}", file=sys.stderr)
        return 1
    outputs[arguments.report] = report.write(model, server)
    for path, text in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
