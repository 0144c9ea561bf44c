#!/usr/bin/env python3
"""Reads the directories of nodes as schemas/files.md defines them, and from nothing else.

  read_files.py DIR...    a line for each: what it holds, or where it is corrupt
  read_files.py --example FILE    checks the records in the code blocks of a page
"""

import re
import sys
import unicodedata
from pathlib import Path

SECTOR = 512
WHITE = "\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
WHITE += "\u2028\u2029\u202f\u205f\u3000\t\n\v\f\r"


def table():
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        yield number


TABLE = list(table())


def crc32c(data):
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder = remainder >> 8 ^ TABLE[(remainder ^ byte) & 0xFF]
    return remainder ^ 0xFFFFFFFF


class Bad(Exception):
    """A line that is not good."""


class Corrupt(Exception):
    """File and line."""


def escaped(word):
    """W1."""
    if not word:
        return b"\\e"
    text = b""
    for character in word.decode("utf-8", "surrogateescape"):
        code = character.encode("utf-8", "surrogateescape")
        if character in " \\":
            text += b"\\" + code
        elif character == "\n":
            text += b"\\n"
        elif 0xDC80 <= ord(character) <= 0xDCFF or character in WHITE or unicodedata.category(character) == "Cc":
            text += b"".join(b"\\x%02x" % byte for byte in code)
        else:
            text += code
    return text


def unescaped(text):
    """W1 and W2."""
    names = {b"\\e": b"", b"\\ ": b" ", b"\\\\": b"\\", b"\\n": b"\n"}
    if text == b"\\e":
        return b""
    word = re.sub(
        rb"\\(x[0-9a-f]{2}|[ \\n])",
        lambda found: bytes.fromhex(found[1][1:].decode()) if found[1][:1] == b"x" else names[found[0]],
        text,
    )
    if not text or escaped(word) != text:
        raise Bad(f"spelling {text!r}")
    return word


def number(text):
    """W3."""
    if not re.fullmatch(rb"0|[1-9][0-9]{0,19}", text) or int(text) >= 1 << 64:
        raise Bad(f"number {text!r}")
    return int(text)


def split(line):
    """Section 1: words with one space between them."""
    texts, text, at = [], b"", 0
    while at < len(line):
        if line[at : at + 1] == b"\\":
            text += line[at : at + 2]
            at += 2
            continue
        if line[at : at + 1] == b" ":
            texts.append(text)
            text = b""
        else:
            text += line[at : at + 1]
        at += 1
    return [unescaped(text) for text in [*texts, text]]


def record(line):
    """R1: the words of a line without its newline, and its checksum."""
    covered, checksum = line[:-8], line[-8:]
    if not re.fullmatch(rb"[0-9a-f]{8}", checksum) or covered[-1:] != b" ":
        raise Bad("no checksum")
    if crc32c(covered) != int(checksum, 16):
        raise Bad("checksum")
    return split(covered[:-1]), checksum


def entry(line):
    """L1."""
    words, _ = record(line)

    def field(name):
        if words and words[-1].startswith(name):
            return number(words.pop()[len(name) :])
        return None

    place = field(b"batch=")
    if place is not None and place < 2:
        raise Bad("batch")
    origin = [field(name) for name in (b"ack=", b"seq=", b"session=")]
    at = field(b"at=")
    if at is None or (None in origin and origin != [None] * 3) or len(words) < 4 or words[-2] != b"#":
        raise Bad("fields")
    term, index, command = number(words[-3]), number(words[-1]), words[:-3]
    if command[0] in (b"NO-OP", b"OPEN-SESSION") and (len(command) > 1 or origin[0] is not None):
        raise Bad("operation")
    return {
        "index": index,
        "term": term,
        "at": at,
        "command": [word.hex() for word in command],
        "origin": origin[::-1] if origin[0] is not None else None,
        "place": place or 1,
    }


def line_number(data, offset):
    return 1 + data[:offset].count(b"\n")


def voters(lines):
    """Section 4, M5 to M8: what is missing in files of the first version."""
    if not lines:
        return
    instance = rb"(?!0{16})[0-9a-f]{16}"
    expected = [rb"instance " + instance, rb"starts \d+", rb"standing (new|joining|voter|replaced|older)"]
    peer = rb"peer \d+ (%s|unnamed) starts \d+ term \d+ acknowledged \d+ (seen|voter|refused)" % instance
    rest = lines[3:]
    members = [line for line in rest if line.startswith(b"member ")]
    peers = rest[len(members):]
    if len(lines) < 4 or not members or rest[: len(members)] != members:
        raise Bad("members")
    for pattern, line in zip(expected, lines):
        if not re.fullmatch(pattern, line):
            raise Bad("voters")
    if not all(re.fullmatch(peer, line) for line in peers) or not all(len(split(line)) == 3 for line in members):
        raise Bad("voters")
    for some in (members, peers):
        ids = [number(split(line)[1]) for line in some]
        if ids != sorted(set(ids)):
            raise Bad("order")
    number(split(lines[1])[1])
    for line in peers:
        for place in (4, 6, 8):
            number(split(line)[place])


def metadata(data):
    """Section 4."""
    names = ["commitLength", "term", "votedFor", "nodeId", "groupId", "machine", "longestLeaseMs"]
    names += ["truncating", "checksum"]
    lines = data.split(b"\n")
    if lines.pop() != b"" or len(lines) < len(names):
        raise Corrupt("metadata.txt")
    try:
        found = {}
        voters(lines[8:-1])
        for name, line in zip(names, lines[:8] + lines[-1:]):
            word, *values = split(line)
            if word != name.encode() or len(values) != (2 if name == "truncating" and values != [b"none"] else 1):
                raise Bad(name)
            found[name] = values if name == "truncating" else values[0]
        if int(found["checksum"], 16) != crc32c(data[:-9]):
            raise Bad("checksum")
        return {
            "commit": number(found["commitLength"]),
            "term": number(found["term"]),
            "vote": None if found["votedFor"] == b"none" else number(found["votedFor"]),
            "truncating": None if found["truncating"] == [b"none"] else [number(n) for n in found["truncating"]],
        }
    except (Bad, ValueError) as bad:
        raise Corrupt("metadata.txt") from bad


def snapshot(data):
    """Section 5."""
    lines, chain, states = data.split(b"\n"), b"", 0
    if lines.pop() != b"":
        raise Corrupt("snapshot.txt", len(lines) + 1)
    for place, line in enumerate(lines):
        try:
            words, checksum = record(line)
            if place == 0:
                header = re.fullmatch(rb"SNAPSHOT format=1 index=(\d+) term=(\d+)", b" ".join(words))
                if not header:
                    raise Bad("header")
                mark = {"index": number(header[1]), "term": number(header[2])}
            elif words[0] == b"END":
                if words[1:] != [b"%d" % states, b"%08x" % crc32c(chain)] or place != len(lines) - 1:
                    raise Bad("end")
                return mark | {"lines": states}
            else:
                states += 1
            chain += checksum
        except Bad as bad:
            raise Corrupt("snapshot.txt", place + 1) from bad
    raise Corrupt("snapshot.txt", len(lines) + 1)


def is_beginning(data):
    """L4, 2: whether bytes may be the beginning of a line."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
    try:
        record(data[:-1])
        return False
    except Bad:
        return all(byte >= 0x20 and byte != 0x7F for byte in data)


def log(data, facts, first):
    """Section 3: the entries, and whether something is torn behind them."""
    truncating = facts["truncating"]
    if truncating:
        data = data[: truncating[1]]
    entries, bad, durable, explained = [], None, 0, True
    # Lines with their newline, zeros, and what neither ends.
    for found in re.finditer(rb"\0+|[^\n\0]*\n|[^\n\0]+", data):
        piece, start, end = found[0], found.start(), found.end()
        after_zeros = start > 0 and data[start - 1] == 0
        good = None
        if piece.endswith(b"\n"):
            try:
                good = entry(piece[:-1])
            except Bad:
                pass
        if good and bad is None:
            last = entries[-1] if entries else None
            follows = not last or (
                good["index"] == last["index"] + 1
                and good["term"] >= last["term"]
                and good["place"] in (1, last["place"] + 1)
            )
            if follows:
                entries.append(good)
                continue
            bad, explained = start, False
        elif good:
            durable = max(durable, good["index"] - good["place"])
            explained &= not after_zeros or start % SECTOR == 0
        else:
            bad = start if bad is None else bad
            if piece[0] == 0:
                explained &= start % SECTOR == 0 or start == bad
            elif after_zeros:
                explained &= start % SECTOR == 0
            else:
                explained &= not piece.endswith(b"\n") and is_beginning(piece)
    following = entries[-1]["index"] + 1 if entries else first
    if truncating and (bad is not None or truncating != [following, len(data)] or following <= facts["commit"]):
        raise Corrupt("logs.txt")
    if bad is not None and (durable >= following or following <= facts["commit"] or not explained):
        raise Corrupt("logs.txt", line_number(data, bad))
    return entries, bad is not None


def directory(folder):
    def get(name):
        path = folder / name
        return path.read_bytes() if path.exists() else None

    if get("metadata.txt") is None:
        raise Corrupt("metadata.txt")
    facts = metadata(get("metadata.txt"))
    if get("logs.txt") is None:
        raise Corrupt("logs.txt")
    state = get("snapshot.txt")
    mark = snapshot(state) if state is not None else {"index": 0, "term": 0, "lines": 0}
    entries, torn = log(get("logs.txt"), facts, mark["index"] + 1)
    if entries:
        if entries[0]["index"] > mark["index"] + 1:
            raise Corrupt("logs.txt", 1)
        at_mark = [e["term"] for e in entries if e["index"] == mark["index"]]
        # L6.
        ends_before = entries[-1]["index"] < mark["index"]
        differs = entries[0]["index"] <= mark["index"] and at_mark != [mark["term"]]
        if mark["index"] and (ends_before or differs):
            entries = []
    if max([mark["index"]] + [e["index"] for e in entries]) < facts["commit"]:
        raise Corrupt("logs.txt")
    if max([mark["term"]] + [e["term"] for e in entries]) > facts["term"]:
        raise Corrupt("terms")
    return {"metadata": facts, "snapshot": mark, "entries": entries, "torn": torn}


def described(metadata, snapshot, entries, torn):
    """One line."""

    def each(entry):
        command = ",".join(word for word in entry["command"])
        origin = ",".join(map(str, entry["origin"] or []))
        return f"{entry['index']} {entry['term']} {entry['at']} {command} {origin}"

    facts = f"commit {metadata['commit']} term {metadata['term']} vote {metadata['vote']}"
    state = f"snapshot {snapshot['index']} {snapshot['term']} lines {snapshot['lines']}"
    return f"{facts} {state} torn {torn}: " + "; ".join(map(each, entries))


def main():
    if sys.argv[1] == "--example":
        blocks = re.findall(r"```\n(.*?)```", Path(sys.argv[2]).read_text(), re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines() if " at=1" in line]
        for line in lines:
            entry(line.encode())
        print(len(lines))
        return
    for folder in sys.argv[1:]:
        try:
            print(described(**directory(Path(folder))))
        except Corrupt as corrupt:
            print("corrupt", *corrupt.args)


if __name__ == "__main__":
    main()
