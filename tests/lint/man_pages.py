#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""man_pages.py O [--write]: the parts of docs/man that have another source.

weaverfs.5 is docs/files.md; the settings in weaverfs.8 are those of O/weaverfs --help, the
environment in audit-sidecar.8 is that of O/audit-sidecar --help; weaver.1 is what O/weaver help --man
prints. Without --write it says whether they are up to date."""

import pathlib
import re
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
MARKS = (r'.\" from --help, by tests/lint/man.sh --write', r'.\" end of --help')


def roff(text):
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("~", r"\(ti")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return r"\&" + text if text.startswith(".") else text


def page_of_files():
    out = [r'.\" SPDX-License-Identifier: Apache-2.0',
           r'.\" Made from docs/files.md by tests/lint/man.sh --write; not to be edited.',
           ".TH WEAVERFS 5 \"\" weaverfs \"Files of weaverfs\"", ".SH NAME",
           r"weaverfs \- files of a mounted namespace of weavers", ".SH DESCRIPTION"]
    in_block = False
    for line in (DOCS / "files.md").read_text().splitlines():
        row = re.fullmatch(r"\| (`[^`]*`) \| (\d{4}) \| (.*) \|", line)
        if line.startswith("```"):
            in_block = not in_block
            out.append(".nf" if in_block else ".fi")
        elif in_block:
            out.append(roff(line))
        elif row:
            out += [".TP", f"{roff(row[1])} ({row[2]})", roff(row[3])]
        elif line.startswith("## "):
            out.append(".SH " + roff(line[3:].replace("`", "").upper()))
        elif not line.startswith(("#", "<!--", "| file", "|---")):
            out.append(roff(line) if line else ".PP")
    out += [".SH SEE ALSO", ".BR weaverfs (8)"]
    text = "\n".join(out) + "\n"
    # a paragraph between what begins one anyway is an empty one
    text = re.sub(r"(\.PP\n)+(?=\.(SH|TP|PP))", "", text)
    return re.sub(r"(\.(SH|fi).*\n)(\.PP\n)+", r"\1", text)


def help_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def settings(program):
    out = []
    rows = re.findall(r"^  ([a-z0-9_, ]+?)(  \$(\w+))?\n\t(.*)$", help_of(program, "--help"), re.M)
    for names, _, variable, words in rows:
        out += [".TP", f".B {roff(names)}", roff(words) + (rf" [\fI{roff(variable)}\fR]" if variable else "")]
    return out


def environment(program):
    out = []
    for name, default, words in re.findall(r"^  (LOOM_\w+)( \(.*\))?\n {6}(.*)$", help_of(program, "--help"), re.M):
        out += [".TP", f".BR {name}" + (f' "{roff(default)}"' if default else ""), roff(words)]
    return out


def page_with(name, made):
    if not made:
        sys.exit(f"docs/man/{name}: its program's --help does not look as expected")
    text = (DOCS / "man" / name).read_text()
    before, rest = text.split(MARKS[0] + "\n", 1)
    after = rest.split(MARKS[1] + "\n", 1)[1]
    return before + "\n".join([MARKS[0], *made, MARKS[1], ""]) + after


def main():
    stale = False
    pages = (("weaverfs.5", page_of_files()),
             ("weaverfs.8", page_with("weaverfs.8", settings(sys.argv[1] + "/weaverfs"))),
             ("audit-sidecar.8",
              page_with("audit-sidecar.8", environment(sys.argv[1] + "/audit-sidecar"))),
             ("weaver.1", help_of(sys.argv[1] + "/weaver", "help", "--man")))
    for name, text in pages:
        path = DOCS / "man" / name
        if sys.argv[2:] == ["--write"]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"docs/man/{name} is not up to date: tests/lint/man.sh --write")
            stale = True
    return stale


if __name__ == "__main__":
    sys.exit(main())
