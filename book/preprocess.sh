#!/bin/sh
#
# What mdBook calls in this folder to have its pages made: the program of this project that does it, or, if that is
# not built, a sentence. `make book` and `make serve` build it, and have mdBook call it without this.

tools=../target/debug/tools
if [ -x $tools ]; then
    exec $tools preprocess "$@"
fi
# A preprocessor that cannot even say which renderers it is for is passed over, and the pages would be built as they are.
[ "${1-}" = supports ] && exit 0
echo "The pages are made by a program of this project that is not built yet: make book does that." >&2
exit 1
