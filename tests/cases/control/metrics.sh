#!/bin/bash
# .weaverfs/metrics is Prometheus text 0.0.4 to the letter, and counts what was done.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a" "$MNT/b"
expect_fail mkdir "$MNT/B"
rmdir "$MNT/b"
cat "$MNT/.weaverfs/metrics" >page
python3 - page <<'END'
import re, sys

text = open(sys.argv[1]).read()
assert text.endswith("\n") and "\n\n" not in text, "lines"
name = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
families, values, kind = set(), {}, None
for line in text.splitlines():
    if head := re.fullmatch(rf"# HELP ({name}) ((?:[^\\]|\\[\\n])+)", line):
        family, kind = head[1], None
        assert family not in families, f"{family} twice"
        families.add(family)
    elif head := re.fullmatch(rf"# TYPE ({name}) (counter|gauge)", line):
        assert head[1] == family and kind is None, line
        kind = head[2]
        assert (kind == "counter") == family.endswith("_total"), line
    else:
        sample = re.fullmatch(rf"({name})(\{{(?:{label},?)*\}})? (-?[0-9]+(?:\.[0-9]+)?)", line)
        assert sample and sample[1] == family and kind, line
        assert kind == "gauge" or float(sample[3]) >= 0, line
        values[sample[1] + (sample[2] or "")] = float(sample[3])
assert families == {v.split("{")[0] for v in values}, "a family without a value"
for key, least, most in (
        ("loom_weavers_created_total", 2, 2), ("loom_weavers_deleted_total", 1, 1),
        ("loom_weavers_failed_total", 0, 0), ("loom_weavers_cleanup_total", 0, 0),
        ("loom_weavers_cleanup_deleted_total", 0, 0), ("loom_weavers_active", 1, 2),
        ("weaverfs_errors_total", 1, 1), ("weaverfs_weavers", 1, 1), ("weaverfs_up", 1, 1),
        ("weaverfs_api_calls_total", 4, 100), ("weaverfs_operations_total", 10, 1000)):
    assert least <= values[key] <= most, f"{key} is {values[key]}"
END
