#!/bin/bash -eu
# The build is the same for both services, and is kept with the sources.
exec bash -eu "$SRC/leasehold/.clusterfuzzlite/build.sh"
