#!/usr/bin/env python3
"""Installs the build into an empty folder and builds a separate project against it.

usage: install_test.py BUILD_DIR COMPILER [C++ flags]"""
import pathlib
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent / "install"


def run(*command):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    build, compiler = sys.argv[1:3]
    flags = sys.argv[3] if len(sys.argv) > 3 else ""
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"{folder}/prefix"
        run("cmake", "--install", build, "--prefix", prefix)
        run("cmake", "-S", str(PROJECT), "-B", f"{folder}/build",
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={flags}",
            f"-DCMAKE_CXX_COMPILER={compiler}",
            "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", f"{folder}/build")
        help_text = run(f"{folder}/build/greeter", "--help")
        for word in ("node", "sandbox", "ledger", "receipt"):
            assert word in help_text, f"--help of the built program does not mention {word}"
        includes = pathlib.Path(prefix, "include")
        outside = [str(p) for p in includes.iterdir() if p.name != "entente"]
        assert not outside, f"installed headers outside of entente/: {outside}"


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        print(error.stdout, error.stderr, sep="\n")
        sys.exit(1)
