"""Checks an export or a proof of Lockgate's audit log by itself: nothing of Lockgate, no database, no network.

    python verify_audit.py FILE [--key KEY] [--checkpoint FILE]...

FILE is what 'lockgate audit export' or 'lockgate audit prove' wrote. KEY is what 'lockgate audit key' printed when you
trusted it; without it the file's own key is taken. Checkpoints that you kept elsewhere must fit too. Exit status 1, and
a line for each fault, when anything is not as it was sealed. docs/audit.md describes every format (RFC 6962 hashing).
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELDS = ("account", "livemode", "id", "created_ms", "action", "outcome", "actor", "object", "address", "request",
          "detail", "personal", "tx")  # fmt: skip
faults = []


def sha(data):
    return hashlib.sha256(data).digest()


def check(fits, where, what):
    if not fits:
        faults.append(f"{where}: {what}")


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def opened(note, key):
    """The lines of a signed note; raises ValueError or InvalidSignature unless ``key`` signed it."""
    name, id_, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    if sha(name.encode() + b"\n" + public)[:4].hex() != id_ or public[:1] != b"\x01":
        raise ValueError("the key is malformed")
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        signed = base64.b64decode(line.rpartition(" ")[2], validate=True)
        if line == f"— {name} {base64.b64encode(signed).decode()}" and signed[:4].hex() == id_:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], f"{text}\n".encode())
            return text.split("\n")
    raise ValueError("a note is not signed by this key")


def checkpoint(note, key):
    """(size, root, chain) of a checkpoint that ``key`` signed."""
    name, size, root, chain, _ = opened(note, key)
    if name != key.split("+")[0] or not chain.startswith("chain "):
        raise ValueError("a checkpoint is of another log")
    return int(size), base64.b64decode(root), base64.b64decode(chain[6:])


def climb(number, last, hash_, path):
    """Where a proof leads to: of the older tree, and of the newer one (RFC 9162, 2.1.3.2 and 2.1.4.2)."""
    older = newer = hash_
    for sibling in path:
        if last == 0:
            raise ValueError("the proof is too long")
        if number & 1 or number == last:
            older, newer = sha(b"\1" + sibling + older), sha(b"\1" + sibling + newer)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            newer = sha(b"\1" + newer + sibling)
        number, last = number >> 1, last >> 1
    return older, newer, last


def check_proof(proof, key):
    path = [bytes.fromhex(text) for text in proof["path"]]
    if proof["type"] == "inclusion":
        size, root, _ = checkpoint(proof["checkpoint"], key)
        index, leaf = proof["index"], sha(b"\0" + proof["encoded"].encode())
        fits = size == proof["size"] and 0 <= index < size and climb(index, size - 1, leaf, path)[1:] == (root, 0)
        return check(fits, "proof", "the record is not in the log at this place")
    (old, was, _), (new, root, _) = checkpoint(proof["from"], key), checkpoint(proof["to"], key)
    if old == new:
        return check(not path and was == root, "proof", "two logs of one size")
    path = path if old & (old - 1) else [was, *path]
    shift = (old & -old).bit_length() - 1  # both right edges are one up to here
    fits = 0 < old < new and climb((old - 1) >> shift, (new - 1) >> shift, path[0], path[1:]) == (was, root, 0)
    return check(fits, "proof", "the newer log does not continue the older one")


class Log:
    """Follows an export: the tree's right edge, the chain, and what both were signed to be at certain sizes."""

    def __init__(self, head, marks):
        self.size, self.peaks = head["first"], [bytes.fromhex(text) for text in head["left"]]
        self.chain, self.marks, self.records = bytes.fromhex(head["chain"]), marks, 0
        self.hold()

    def add(self, hash_, level=0):
        for _ in range(((self.size >> level) ^ (self.size >> level) + 1).bit_length() - 1):
            hash_ = sha(b"\1" + self.peaks.pop() + hash_)
        self.peaks.append(hash_)
        self.size += 1 << level

    def hold(self):
        root = self.peaks[-1] if self.peaks else sha(b"")
        for peak in self.peaks[-2::-1]:
            root = sha(b"\1" + peak + root)
        for signed, chain in self.marks.pop(self.size, ()):
            fits = signed == root and self.chain in (None, chain)
            check(fits, f"checkpoint {self.size}", "the seals are not those that were signed")

    def seal(self, row, where):
        leaf, columns = bytes.fromhex(row["leaf"]), row.get("columns")
        check(row["seq"] == self.size, where, f"number {self.size} belongs here")
        if row["type"] == "seal":
            said = [row[name] for name in ("account", "livemode", "record", "tx")]
            linked = self.chain is None or sha(self.chain + leaf + compact(said)).hex() == row["chain"]
            check(linked, where, "it does not follow from the one before it")
            check(columns is not None or row["retired"], where, "its record is missing")
        if columns is not None:
            encoded = b"lockgate-audit-record-v1\n" + compact([columns[name] for name in FIELDS])
            same = said == [columns[name] for name in ("account", "livemode", "id", "tx")] and len(columns) == 13
            check(same and sha(b"\0" + encoded) == leaf, where, f"{row['record']} is not what was sealed")
            self.records += 1
        self.chain = bytes.fromhex(row["chain"]) if row["type"] == "seal" else None
        self.add(leaf)
        self.hold()

    def rest(self, row, size):
        self.chain = self.chain if self.size == size else None
        for text in row["cover"]:
            aligned = (self.size & -self.size).bit_length() or 64
            self.add(bytes.fromhex(text), min((size - self.size).bit_length(), aligned) - 1)
        self.hold()


def check_export(raw, key, kept):
    rows, marks = [json.loads(line) for line in raw], {}
    head, end, name = rows[0], rows[-1], key.split("+")[0]
    for note in [row["note"] for row in rows if row["type"] == "checkpoint"] + kept:
        size, root, chain = checkpoint(note, key)
        check(size >= head["first"], f"checkpoint {size}", "the export begins behind it: export the whole log")
        marks.setdefault(size, []).append((root, chain))
    check(head["size"] in marks or not head["size"], "line 1", "its checkpoint is missing")
    log = Log(head, marks)
    for number, row in enumerate(rows[1:-1], 2):
        if row["type"] in ("seal", "leaf"):
            log.seal(row, f"line {number}, seal {row['seq']}")
        elif row["type"] == "rest":
            log.rest(row, head["size"])
    for size in log.marks:
        check(False, f"checkpoint {size}", f"the log ends at {log.size}")
    digest = base64.b64encode(sha(b"".join(raw[:-1]))).decode()
    whole = [f"{name}/export", f"records {log.records}", f"sha256 {digest}"] == opened(end["note"], key)
    check(whole and raw[-1].endswith(b"\n"), "end", "the file is not the one that was signed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[])
    options, kept = parser.parse_args(), []
    for text in (file.read_text() for file in options.checkpoint):
        kept += [json.loads(line)["note"] for line in text.splitlines()] if text.startswith("{") else [text]
    raw, key = options.file.read_bytes().splitlines(keepends=True), options.key
    try:
        first = json.loads(raw[0])
        check(key in (None, first.get("key", key)), "line 1", "the file names another key than yours")
        key = key or first["key"]
        check_export(raw, key, kept) if first["type"] == "head" else check_proof(first, key)
    except (ValueError, KeyError, TypeError, IndexError, InvalidSignature) as error:
        check(False, "file", f"{type(error).__name__} {error}")
    sys.stdout.write("\n".join(faults or [f"all is as it was sealed, by the key {key}"]) + "\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
