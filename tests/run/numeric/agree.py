#!/usr/bin/env python3
"""Looks whether all forms of each operation gave the same hash: agree.py TRACE. Prints those that
did not."""
import collections
import sys

by_op = collections.defaultdict(lambda: collections.defaultdict(list))
with open(sys.argv[1], encoding="ascii") as trace:
    for line in trace:
        words = line.split()
        if words[0] in ("R", "T"):
            op, form = words[1].rsplit("/", 1)
            by_op[op][" ".join(words[2:])].append(form)
bad = {op: dict(hashes) for op, hashes in by_op.items() if len(hashes) > 1}
for op, hashes in bad.items():
    print(op, hashes)
sys.exit(1 if bad or not by_op else 0)
