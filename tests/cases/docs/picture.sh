#!/bin/bash
# The picture in the README is what a session shows: made anew it differs in numbers alone.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

top=$(realpath "$LIB/../..")

# words FILE: what is to be read in a picture, without what differs from one session to the next.
words()
{
	sed -nE 's/<[^>]*>//g; s/[0-9a-f]{8}-[0-9a-f-]{27}/ID/; s/~[0-9a-f]{8}/~ID/g; s/[0-9]+(\.[0-9]+)?/N/g; /[^ ]/p' "$1"
}
"$top/tools/picture" again.svg
python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' again.svg
words "$top/docs/session.svg" >before
[ "$(wc -l <before)" -ge 30 ]
words again.svg | diff before - || fail "tools/picture docs/session.svg makes it anew"
