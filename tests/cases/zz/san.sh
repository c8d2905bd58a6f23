#!/bin/bash
# A dummy for the runner.
. "$LIB/case.sh"
echo leak >$W/sanitizer.12
