#!/bin/bash
# A dummy for the runner.
. "$LIB/case.sh"
mount_weavers bad=1
