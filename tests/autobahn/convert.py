"""Turns the cases of autobahntestsuite, Python 2, into Python 3: convert.py SDIST FOLDER makes FOLDER/case.

Strings were bytes. Rather than mark each literal, a string here goes on standing for bytes, one character (latin-1) per byte, and
cases.py translates where a case meets the connection. What is left is little enough to do without lib2to3, which Python 3.13 lost.
"""
import re, sys, tarfile
from pathlib import Path

FIXES = [
    (r"^# coding=utf-8", "# coding=latin-1"),  # so "µ" in a source is read as its two UTF-8 bytes, as it was
    (r"^from (case\w*) import", r"from .\1 import"),  # the own folder is no longer looked in first
    (r"^(\s*)print (.*)$", r"\1print(\2)"),
    (r"\bxrange\(", "range("),
    (r"\(object, Case, \)", "(Case, )"),  # every class derives from object now, and object may not come first
    (r"len\(self\.payload\) / ", "len(self.payload) // "),  # 10.1.1 counts whole fragments
    (r"binascii\.b2a_hex\(", "ascii("),  # takes only bytes; the result is only shown, never compared
    (r"v\.validate\((.*)\)$", r"v.validate(\1.encode('latin-1'))"),  # autobahn's UTF-8 check takes real bytes
    # Pickles of equal values differ when one of them shares its parts, so equal events could look different.
    (r"pickle\.dumps\(obj1\) == pickle\.dumps\(obj2\)", "obj1 == obj2"),
    (r"^.*\b[Cc]ase(9|12|13)_.*\n", ""),  # the groups left out; 12 needs more to import
]

target = Path(sys.argv[2], "case")
target.mkdir(parents=True)
with tarfile.open(sys.argv[1]) as sdist:
    for member in sdist:
        path = Path(member.name)
        if path.parts[1:-1] == ("autobahntestsuite", "case") and re.fullmatch(r"(__init__|case(?!9|12)\w*)\.py", path.name):
            source = sdist.extractfile(member).read().decode("latin-1").replace("\r\n", "\n")
            for pattern, replacement in FIXES:
                source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
            (target / path.name).write_bytes(source.encode("latin-1"))
