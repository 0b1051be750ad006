"""A wheel of one module, written by hand: pip installs it with nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile


def make_wheel(folder, name="greeting", version="1.0", body="def hello():\n    return 'we love you'\n"):
    os.makedirs(folder, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    path = os.path.join(folder, f"{name}-{version}-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in files.items():
            wheel.writestr(member, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{member},sha256={digest},{len(text)}")
        wheel.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,"]) + "\n")
    return path


def hash_tree(folder):
    """Give one digest of every name, link and byte below a folder, bytecode left out."""
    digest = hashlib.sha256()
    for directory, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            path = os.path.join(directory, name)
            digest.update(f"{path}\0".encode())
            if os.path.islink(path):
                digest.update(os.readlink(path).encode())
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    digest.update(
                        hashlib.file_digest(file, "sha256").digest() if hasattr(hashlib, "file_digest") else file.read()
                    )
    return digest.hexdigest()
