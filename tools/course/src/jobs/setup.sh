#!/bin/sh
# Gradescope runs this once, as root, when it builds the image. It installs what the project needs, builds everything, and
# judges the right answer, so that judging a submission takes seconds.
set -eu
cd /autograder/source
export HOME="${HOME:-/root}" DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends ca-certificates git make

# Ubuntu has had a package of rustup since 24.04. Before, its own installer brings it.
if ! grep -q bookworm /etc/os-release && ! apt-cache show rustup >/dev/null 2>&1; then
    apt-get install --yes --no-install-recommends curl
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error https://sh.rustup.rs |
        sh -s -- -y --no-modify-path --default-toolchain none
fi

tar --extract --no-same-owner --file=project.tar
git clone --quiet project.git project
cd project
. ../job.sh
make warm
