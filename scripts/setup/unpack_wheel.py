"""Unpacks from Python wheels what the TensorFlow C library needs: unpack_wheel.py FOLDER WHEEL...

FOLDER/lib gets the libraries, FOLDER/include the C headers, FOLDER/nvidia the CUDA libraries, laid out so that the
run paths inside the libraries ($ORIGIN/../nvidia/...) hold.
"""

import os
import shutil
import sys
import zipfile

LIBRARIES = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
HEADERS = (
    "tensorflow/include/tensorflow/c/",
    "tensorflow/include/tensorflow/core/platform/ctstring",
    "tensorflow/include/tsl/platform/ctstring",
    "tensorflow/include/xla/tsl/c/",
)


def target(name):
    if name in LIBRARIES:
        return os.path.join("lib", os.path.basename(name))
    if name.startswith(HEADERS):
        return name[len("tensorflow/") :]
    if name.startswith("nvidia/") and "/include/" not in name and not name.endswith(".a"):
        return name
    return None


def main(folder, wheels):
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                relative = None if member.is_dir() else target(member.filename)
                if relative is None:
                    continue
                path = os.path.join(folder, relative)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with archive.open(member) as source, open(path, "wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                mode = member.external_attr >> 16
                if mode & 0o111:
                    os.chmod(path, 0o755)
    for library in LIBRARIES:
        if not os.path.exists(os.path.join(folder, "lib", os.path.basename(library))):
            sys.exit("the wheel holds no " + library)
    os.symlink("libtensorflow_cc.so.2", os.path.join(folder, "lib", "libtensorflow.so"))
    os.symlink("libtensorflow_framework.so.2", os.path.join(folder, "lib", "libtensorflow_framework.so"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
