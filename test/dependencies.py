#!/usr/bin/env python3
"""Checks the dependencies by what deny.toml allows: licences, sources, banned crates.

Reads `cargo metadata`, so it needs no other program. `cargo deny check` does the same and more, with the
same file: it reads the texts of licences too, and knows the database of advisories. Crates of which
there are two versions are named, as deny.toml says. Exit status: 0 all is allowed, 1 something is not.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def packages(rules):
    """The packages of all features and of the platforms that deny.toml names, without ours."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    for target in rules["graph"]["targets"]:
        command += ["--filter-platform", target]
    found = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return [package for package in json.loads(found.stdout)["packages"] if package["source"]]


def is_allowed(expression, allowed):
    """Whether an SPDX expression can be met by allowed licences. `A/B` is the old form of `A OR B`."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def alternatives():
        good = conjunction()
        while words and words[0] == "OR":
            words.pop(0)
            good = conjunction() or good
        return good

    def conjunction():
        good = single()
        while words and words[0] == "AND":
            words.pop(0)
            good = single() and good
        return good

    def single():
        word = words.pop(0)
        if word == "(":
            good = alternatives()
            words.pop(0)
            return good
        if words and words[0] == "WITH":
            word = f"{word} WITH {words[1]}"
            del words[:2]
        return word in allowed

    good = alternatives()
    if words:
        raise ValueError(f"not an SPDX expression: {expression}")
    return good


def faults(package, rules):
    """What is wrong with one package."""
    allowed = rules["licenses"]["allow"]
    if not is_allowed(package["license"] or "none", allowed):
        yield f"licence {package['license']}"
    if package["source"].removeprefix("registry+") not in rules["sources"]["allow-registry"]:
        yield f"source {package['source']}"
    if package["name"] in [banned["crate"] for banned in rules["bans"]["deny"]]:
        yield "a banned crate"


def own_wildcards():
    """Our own dependencies that name no version."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    tables = [manifest.get("dependencies", {}), manifest.get("dev-dependencies", {})]
    for name, wanted in (pair for table in tables for pair in table.items()):
        version = wanted if isinstance(wanted, str) else wanted.get("version", "*")
        if "*" in version:
            yield f"{name}: no version in Cargo.toml"


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
    found, versions = list(own_wildcards()), defaultdict(list)
    for package in packages(rules):
        name = f"{package['name']} {package['version']}"
        versions[package["name"]].append(package["version"])
        found += [f"{name}: {fault}" for fault in faults(package, rules)]
    for name, several in versions.items():
        if len(several) > 1:
            print(f"{len(several)} versions of {name}: {', '.join(several)}")
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(versions)} crates, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    # A check that finds nothing wrong anywhere would be of no use.
    assert is_allowed("(MIT OR Apache-2.0) AND ISC", ["MIT", "ISC"])
    assert not is_allowed("MIT AND GPL-3.0", ["MIT"])
    assert is_allowed("Apache-2.0 WITH LLVM-exception OR GPL-3.0", ["Apache-2.0 WITH LLVM-exception"])
    assert not is_allowed("Apache-2.0/GPL-3.0", ["MIT"])
    sys.exit(main())
