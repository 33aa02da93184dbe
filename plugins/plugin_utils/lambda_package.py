# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Lambda package of a Python module and its imports from its own collection; the same code gives the same bytes.

Files are stored sorted by name, without compression (whose bytes differ between versions of zlib) and with the earliest
time that the format supports, so that the hash that Lambda shows (CodeSha256) changes with the code and with nothing
else. Requirements for a package: "Working with .zip file archives for Python Lambda functions" of the AWS Lambda
Developer Guide.
"""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping

EARLIEST = (1980, 1, 1, 0, 0, 0)
# A regular file that everyone may read: Lambda runs the code as another user.
MODE = 0o100644


def imports_of(source: str) -> Iterator[str]:
    """Return the dotted names that a source may import; ``from a import b`` may be both a and a.b. Pure."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def collect(read: Callable[[str], str | None], module: str, package: str) -> dict[str, str]:
    """Return {path: source} of a module and of all its imports from a package, recursively. Pure except for read.

    read: function of a dotted name that returns the source, or None if there is no such module.
    """
    found: dict[str, str] = {}
    waiting, met = [module], set()
    while waiting:
        name = waiting.pop()
        source = read(name) if name not in met and name.startswith(f"{package}.") else None
        met.add(name)
        if source is not None:
            found[f"{name.replace('.', '/')}.py"] = source
            waiting.extend(imports_of(source))
    return found


def build_package(files: Mapping[str, str]) -> bytes:
    """Return the zip file of {path: source}. Pure."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, EARLIEST)
            # Otherwise the file would depend on the operating system that created it.
            entry.create_system = 3
            entry.external_attr = MODE << 16
            package.writestr(entry, files[path].encode())
    return buffer.getvalue()
