"""The peer of the benchmark: a built page and a folder of files, served as plainly as can be."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).resolve().parent / "peer"


class Handler(SimpleHTTPRequestHandler):
    """Keeps connections open, and lets the kernel send the files."""

    protocol_version = "HTTP/1.1"

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file."""
        outputfile.flush()
        self.connection.sendfile(source)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def build(folder: Path, files: list[Path]) -> None:
    """Build the page with the node packages of the app, and put the files beside it."""
    script = ROOT / "scripts" / "node"
    command = [str(script), "npx", "--no-install", "vite", "build", str(PAGE), "--outDir", str(folder)]
    options = [
        "--base",
        "./",
        "--configLoader",
        "runner",
        "--config",
        str(PAGE / "vite.config.js"),
        "--logLevel",
        "error",
    ]
    subprocess.run([*command, *options, "--emptyOutDir"], cwd=ROOT, check=True)
    (folder / "files").mkdir()
    for path in files:
        (folder / "files" / path.name).hardlink_to(path)
    (folder / "files.json").write_text(json.dumps([path.name for path in files]), encoding="utf-8")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the folder from a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.viewer.static_server", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdout is None:
                raise SystemExit("the static server did not start")
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
