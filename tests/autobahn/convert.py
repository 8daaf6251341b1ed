"""Turns the cases of autobahntestsuite, Python 2, into Python 3: convert.py SDIST FOLDER makes FOLDER/case.

Python 2's strings are bytes. Rather than mark each literal, a string here stands for its bytes as latin-1, one character per byte;
cases.py changes to and from real bytes where a case meets the connection.
"""
import re
import sys
import tarfile
from pathlib import Path

FIXES = [
    (r"^# coding=utf-8", "# coding=latin-1"),  # so a literal such as "µ" is read as its UTF-8 bytes, one character each
    (r"^from (case\w*) import", r"from .\1 import"),  # Python 2 looked in the own folder first
    (r"^(\s*)print (.*)$", r"\1print(\2)"),
    (r"\bxrange\(", "range("),
    (r"\(object, Case, \)", "(Case, )"),  # object before its own subclass: an error since every class is an object
    (r"len\(self\.payload\) / ", "len(self.payload) // "),  # 10.1.1 counts whole fragments
    (r"binascii\.b2a_hex\(", "ascii("),  # takes bytes only now; used for descriptions alone
    (r"v\.validate\((.*)\)$", r"v.validate(\1.encode('latin-1'))"),  # autobahn's UTF-8 check, wants real bytes
    # Pickles of equal values differ when one shares its parts and the other does not, so equal events looked different.
    (r"pickle\.dumps\(obj1\) == pickle\.dumps\(obj2\)", "obj1 == obj2"),
    (r"^.*\b[Cc]ase(9|12|13)_.*\n", ""),  # the groups left out, one of which needs pkg_resources
]

sdist, folder = sys.argv[1:]
target = Path(folder, "case")
target.mkdir(parents=True)
with tarfile.open(sdist) as tar:
    for member in tar:
        path = Path(member.name)
        if path.parts[1:-1] == ("autobahntestsuite", "case") and re.match(r"(__init__|case|case(?!9|12)\w+)\.py$", path.name):
            source = tar.extractfile(member).read().decode("latin-1").replace("\r\n", "\n")
            for pattern, replacement in FIXES:
                source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
            (target / path.name).write_bytes(source.encode("latin-1"))
