#!/bin/bash
# A dummy for the runner.
. "$LIB/case.sh"
cluster_freeze
