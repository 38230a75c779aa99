#!/bin/sh
#
# Finds, reports and installs what the project needs on this machine.
#
#   tools/setup.sh doctor               reports what is there, what is missing and how to get it
#   tools/setup.sh install              installs what is missing, saying what and how
#   tools/setup.sh with COMMAND...      the same, but silent if nothing is missing; then runs COMMAND
#   tools/setup.sh with-gdb COMMAND...  the same, for a command that needs gdb as well; and so with-mutants for
#                                       cargo-mutants, with-miri for Miri, with-valgrind for valgrind, with-bochs for
#                                       Bochs, with-course for git and a box in which tests run, with-tests for what make
#                                       test needs, with-book for mdBook, with-pdf for mdBook and Chromium, with-browser for
#                                       what drives Chromium too
#
# PATH of COMMAND begins with the folder of the right Rust. A person types `make`, which calls this.

set -eu
cd "$(dirname "$0")/.."

needs="rust linker lld qemu grub xorriso"
# What only some commands need.
extras="mdbook chromium node npm modules live git box mutants miri valgrind bochs"
# The looks and the links of the pages depend on this version.
mdbook=0.5.4
mdbook_releases=https://github.com/rust-lang/mdBook/releases/download
# What opens the book's pages to test them.
browser=book/browser
# What runs the kernels in the book's pages.
live=book/live
node=$(sed -n 's/.*"node": ">=\(.*\)".*/\1/p' $browser/package.json)
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
cargo_bin=${CARGO_HOME:-${HOME:-}/.cargo}/bin
toolchain="toolchain install $channel --profile minimal --component rust-src --component rustfmt --component clippy"
nightly="toolchain install nightly --profile minimal --component miri --component rust-src"

# When rustup is asked for a toolchain, it must not download it.
export RUSTUP_AUTO_INSTALL=0

main() {
    rust=$(find_rust)
    case ${1-} in
        doctor)   needs="$needs gdb"; doctor ;;
        install)  needs="$needs gdb"; install; echo "Everything is there." ;;
        with)     shift; install; run "$@" ;;
        with-gdb | with-mutants | with-miri | with-valgrind | with-bochs)
                  needs="$needs ${1#with-}"; shift; install; run "$@" ;;
        with-course) needs="$needs box git"; shift; install; run "$@" ;;
        with-tests) needs="$needs box git gdb"; shift; install; run "$@" ;;
        with-book) needs="rust linker lld qemu grub xorriso git mdbook node npm live"; shift; install; run "$@" ;;
        with-pdf) needs="rust linker mdbook chromium"; shift; install; run "$@" ;;
        with-browser) needs="node npm chromium modules live"; shift; install; run "$@" ;;
        *)        die "tools/setup.sh does not know \"${1-}\"; make help lists the commands." ;;
    esac
}

doctor() {
    status=0
    for need in $needs; do
        if place=$(find_need "$need"); then
            echo "there    $(name "$need"): $(version "$need" "$place"), $place"
        else
            status=1
            echo "MISSING  $(name "$need"): $(remedy "$need")"
        fi
    done
    for need in $extras; do
        if place=$(find_need "$need"); then
            echo "there    $(name "$need"): $(version "$need" "$place"), $place"
        else
            echo "not here $(name "$need"), which installs it: $(remedy "$need")"
        fi
    done
    [ $status = 0 ] || echo "make setup installs what is missing, and so does make run."
    return $status
}

install() {
    wanted=$(missing)
    [ -n "$wanted" ] || return 0
    echo "Missing on this machine:" >&2
    for need in $wanted; do echo "  $(name "$need")" >&2; done

    # If rustup is there and can download, it is the shortest way to the pinned Rust.
    if [ -z "$rust" ] && rustup_install; then wanted=$(missing); fi
    wanted_packages=$(for need in $wanted; do packages "$need"; done | xargs)
    if [ -n "$wanted_packages" ]; then install_packages; fi
    # Where the system's package is rustup and not Rust, the toolchain is still to be installed.
    rust=$(find_rust)
    [ -n "$rust" ] || rustup_install || true
    case " $wanted " in *mutants*) mutants_install || true ;; esac
    case " $wanted " in *miri*) miri_install || true ;; esac
    case " $wanted " in *mdbook*) mdbook_install || true ;; esac
    case " $wanted " in *modules*) packages_install $browser || true ;; esac
    case " $wanted " in *live*) packages_install $live || true ;; esac

    wanted=$(missing)
    for need in $wanted; do echo "Still missing: $(name "$need"); $(remedy "$need")" >&2; done
    [ -z "$wanted" ] || die "Not everything could be installed; make doctor says more."
}

run() {
    # Cargo looks for its subcommands in $cargo_bin first, unless that is in PATH: then PATH determines the order.
    PATH=$rust:$PATH:$cargo_bin
    export PATH
    # These are given by their paths, because PATH may have other programs of the same names before them.
    MDBOOK=$(find_need mdbook || true)
    CHROMIUM=$(find_need chromium || true)
    export MDBOOK CHROMIUM
    exec "$@"
}

# ---- what is needed ----

name() {
    case $1 in
        rust)    echo "Rust $channel or newer with rust-src, rustfmt and clippy" ;;
        linker)  echo "a C compiler, with which Rust links programs" ;;
        lld)     echo "ld.lld, which links kernels" ;;
        qemu)    echo "QEMU, the machine" ;;
        grub)    echo "GRUB for PCs with a BIOS" ;;
        xorriso) echo "xorriso, with which GRUB writes CD images" ;;
        gdb)     echo "gdb, for make debug" ;;
        mutants) echo "cargo-mutants, for make mutants-of-logic" ;;
        miri)    echo "Miri in a nightly Rust, for make miri" ;;
        valgrind) echo "valgrind, for make valgrind" ;;
        bochs)   echo "Bochs, another machine, for make stress" ;;
        git)     echo "git" ;;
        box)     echo "bubblewrap, in which make check runs tests on the host" ;;
        mdbook)  echo "mdBook $mdbook, for make book" ;;
        chromium) echo "Chromium or Chrome, for make book-pdf and make test-book" ;;
        node)    echo "Node $node or newer, for make book and make test-book" ;;
        npm)     echo "npm, for make book and make test-book" ;;
        modules) echo "the packages of $browser, for make test-book" ;;
        live)    echo "the packages of $live, for make book" ;;
    esac
}

# Prints where something is, or fails.
find_need() {
    case $1 in
        rust)    [ -n "$rust" ] && echo "$rust" ;;
        linker)  command -v cc ;;
        lld)     command -v ld.lld ;;
        qemu)    command -v qemu-system-i386 ;;
        grub)    find_grub ;;
        xorriso) command -v xorriso ;;
        gdb)     command -v gdb-multiarch || command -v gdb ;;
        mutants) PATH=$PATH:$cargo_bin command -v cargo-mutants ;;
        miri)    find_miri ;;
        valgrind) command -v valgrind ;;
        bochs)   command -v bochs ;;
        git)     command -v git ;;
        box)     command -v bwrap || { [ "$(uname)" != Linux ] && echo "none on this system"; } ;;
        mdbook)  find_mdbook ;;
        chromium) find_chromium ;;
        node)    command -v node >/dev/null && is_newer "$node" "$(node --version | tr -d v)" && command -v node ;;
        npm)     command -v npm ;;
        modules) find_packages $browser ;;
        live)    find_packages $live ;;
    esac
}

version() {
    case $1 in
        rust)    "$2/rustc" --version ;;
        xorriso) "$2" -version 2>/dev/null ;;
        bochs)   "$2" --help 2>&1 | grep -o 'Bochs.*[0-9]' ;;
        modules | live) echo "as in ${2%/*}/package-lock.json" ;;
        mutants) "$2" mutants --version ;;
        miri)    "$2" miri --version ;;
        *)       "$2" --version 2>/dev/null ;;
    esac | head -n 1
}

missing() {
    for need in $needs; do
        find_need "$need" >/dev/null || echo "$need"
    done
}

# Prints the folder of the first toolchain that will do: the pinned one of rustup, or the system's own. Prints nothing
# if there is none.
find_rust() (
    PATH=$PATH:$cargo_bin
    pinned=$(rustup which --toolchain "$channel" rustc 2>/dev/null || true)
    IFS=:
    for folder in ${pinned%/rustc} $PATH /usr/bin /usr/local/bin; do
        if is_good_rust "$folder"; then
            echo "$folder"
            return
        fi
    done
)

is_good_rust() {
    for program in rustc cargo rustfmt cargo-fmt cargo-clippy; do
        [ -x "$1/$program" ] || return 1
    done
    # rustup's proxies are one program under many names. The toolchain behind them has been checked already.
    [ ! "$1/rustc" -ef "$1/rustup" ] || return 1
    release=$("$1/rustc" --version | cut -d ' ' -f 2)
    is_newer "$channel" "${release%%-*}" && [ -f "$("$1/rustc" --print sysroot)/lib/rustlib/src/rust/library/core/src/lib.rs" ]
}

# Whether the second version is the first or a newer one.
is_newer() {
    [ "$(printf '%s\n' "$1" "$2" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)" = "$1" ]
}

# Miri builds the standard library for itself, from its source.
find_miri() (
    PATH=$PATH:$cargo_bin
    miri=$(rustup which --toolchain nightly cargo-miri 2>/dev/null) || return 1
    [ -f "${miri%/bin/*}/lib/rustlib/src/rust/library/Cargo.lock" ] && echo "$miri"
)

# The folder of the packages that a folder's project needs, if they are installed.
find_packages() {
    cmp -s "$1/package-lock.json" "$1/node_modules/.installed" && echo "$1/node_modules"
}

find_chromium() {
    for program in chromium google-chrome google-chrome-stable chromium-browser; do
        command -v $program && return
    done
    for program in Chromium "Google Chrome"; do
        command -v "/Applications/$program.app/Contents/MacOS/$program" && return
    done
    return 1
}

find_mdbook() {
    for place in $(command -v mdbook) "$cargo_bin/mdbook"; do
        if [ "$("$place" --version 2>/dev/null)" = "mdbook v$mdbook" ]; then
            echo "$place"
            return
        fi
    done
    return 1
}

find_grub() {
    command -v i686-elf-grub-mkrescue && return
    for folder in /usr/lib/grub/i386-pc /usr/share/grub2/i386-pc /usr/share/grub/i386-pc; do
        [ -f "$folder/multiboot2.mod" ] || continue
        command -v grub-mkrescue || command -v grub2-mkrescue
        return
    done
    return 1
}

# ---- how to get it ----

packages() {
    case $(find_manager):$1 in
        apt-get:rust)   if grep -q bookworm /etc/os-release
                        then echo rustc-web cargo-web rust-web-src rustfmt-web rust-web-clippy ca-certificates
                        else echo rustup ca-certificates; fi ;;
        apt-get:linker) echo gcc libc6-dev ;;
        apt-get:qemu)   echo qemu-system-x86 ${DISPLAY:+qemu-system-gui} ;;
        apt-get:grub)   echo grub-common grub-pc-bin ;;
        dnf:grub)       echo grub2-tools-extra grub2-tools-minimal grub2-pc-modules ;;
        pacman:qemu)    echo qemu-system-x86 ${DISPLAY:+qemu-ui-gtk} ;;
        pacman:grub)    echo grub ;;
        pacman:xorriso) echo libisoburn ;;
        zypper:qemu)    echo qemu-x86 ${DISPLAY:+qemu-ui-gtk} ;;
        zypper:grub)    echo grub2 grub2-i386-pc ;;
        brew:qemu)      echo qemu ;;
        brew:grub)      echo i686-elf-grub ;;
        *:rust)         echo rustup ;;
        apt-get:chromium) if grep -q '^ID=ubuntu' /etc/os-release; then echo chromium-browser; else echo chromium; fi ;;
        apt-get:bochs)  echo bochs bochs-term bochsbios vgabios bsdutils ;;
        apt-get:node | dnf:node | pacman:node | zypper:node) echo nodejs ;;
        dnf:npm)        echo nodejs-npm ;;
        brew:npm)       echo node ;;
        # curl downloads mdBook. Without it, and without the right to install it, Cargo builds mdBook.
        apt-get:mdbook) [ "$(id -u)" != 0 ] || command -v curl >/dev/null || echo curl ca-certificates ;;
        *:box)          echo bubblewrap ;;
        *:mutants | *:miri | *:mdbook | *:modules | *:live) ;;
        *:linker)       echo gcc ;;
        *:qemu)         echo qemu-system-x86 ;;
        *)              echo "$1" ;;
    esac
}

find_manager() {
    for manager in apt-get dnf pacman zypper brew; do
        if command -v $manager >/dev/null; then
            echo $manager
            return
        fi
    done
    echo none
}

remedy() {
    if [ "$1" = mutants ]; then
        echo "cargo install cargo-mutants --locked"
    elif [ "$1" = miri ]; then
        if PATH=$PATH:$cargo_bin command -v rustup >/dev/null
        then echo "rustup $nightly"
        else echo "only rustup installs it, and rustup is missing; https://rustup.rs has it"; fi
    elif [ "$1" = mdbook ]; then
        echo "cargo install mdbook --locked --version $mdbook"
    elif [ "$1" = modules ]; then
        echo "npm ci --prefix $browser"
    elif [ "$1" = live ]; then
        echo "npm ci --prefix $live"
    elif [ "$1" = rust ] && PATH=$PATH:$cargo_bin command -v rustup >/dev/null; then
        echo "rustup $toolchain"
    elif [ "$(find_manager)" = none ]; then
        echo "look for it among the packages of this system; packages() in tools/setup.sh has its names on others"
    else
        echo "$(install_command) $(packages "$1")"
    fi
}

install_command() {
    case $(find_manager) in
        apt-get) echo "$(as_root)apt-get install --yes --no-install-recommends" ;;
        dnf)     echo "$(as_root)dnf install --assumeyes" ;;
        pacman)  echo "$(as_root)pacman --sync --needed --noconfirm" ;;
        zypper)  echo "$(as_root)zypper --non-interactive install" ;;
        brew)    echo "brew install" ;;
    esac
}

install_packages() {
    manager=$(find_manager)
    [ "$manager" != none ] || die "tools/setup.sh does not know this system's package manager; install what is missing, then try again."
    command="$(install_command) $wanted_packages"
    if [ -n "$(as_root)" ] && ! command -v sudo >/dev/null; then
        die "Only root may install packages, and there is no sudo; as root, run: ${command#sudo }"
    fi
    if [ "$manager" = apt-get ]; then
        export DEBIAN_FRONTEND=noninteractive
        echo "+ $(as_root)apt-get update" >&2
        $(as_root) apt-get update >&2 || die "The list of packages could not be fetched; is there a network?"
    fi
    echo "+ $command" >&2
    $command >&2 || die "That failed; the reason is printed above."
}

as_root() {
    [ "$(id -u)" = 0 ] || echo "sudo "
}

rustup_install() {
    PATH=$PATH:$cargo_bin
    # Fedora's package brings only the program that sets rustup up.
    if ! command -v rustup >/dev/null && command -v rustup-init >/dev/null; then
        rustup-init -y --no-modify-path --default-toolchain none >&2
    fi
    command -v rustup >/dev/null || return 1
    echo "+ rustup $toolchain" >&2
    rustup $toolchain >&2 && rust=$(find_rust)
}

# No system has a package of it. Cargo builds it once, outside this folder.
mutants_install() {
    echo "+ cargo install cargo-mutants --locked   (this takes a few minutes, once; the program is put into $cargo_bin)" >&2
    PATH=$rust:$PATH cargo install cargo-mutants --locked >&2
}

# A download takes seconds, and a build minutes.
mdbook_install() {
    folder=$(mktemp -d)
    mdbook_download "$folder" && mkdir -p "$cargo_bin" && mv "$folder/mdbook" "$cargo_bin"
    rm -r "$folder"
    find_mdbook >/dev/null || mdbook_build
}

# The name of mdBook's release for this machine, and its SHA-256. A new version has new sums: GitHub shows them beside
# the files.
mdbook_release() {
    case $(uname -sm) in
        "Linux x86_64")  echo x86_64-unknown-linux-musl 5222beabd3e37dc5be0d18ff99b79058469354db5c220153a1b92db5ba12be89 ;;
        "Linux aarch64") echo aarch64-unknown-linux-musl 753e5c5c363ee8a56972344dcf91466f005a51db84a7aeffe427ae3ef83d6d44 ;;
        "Darwin x86_64") echo x86_64-apple-darwin a47d7bf0d5d670cff9ee6cce95537cbeb62dc10704d9e7131ffbd13e2b59a5de ;;
        "Darwin arm64")  echo aarch64-apple-darwin 03e8a6d8b13a2971e0b3280affd03b388373c1485e26f73407c3a76b0b1838df ;;
        *)               return 1 ;;
    esac
}

# Puts mdBook into this folder, or fails within seconds and says why.
mdbook_download() {
    release=$(mdbook_release) && command -v curl >/dev/null || return 1
    url=$mdbook_releases/v$mdbook/mdbook-v$mdbook-${release% *}.tar.gz
    archive=$1/mdbook.tar.gz
    if [ -t 2 ]; then progress=--progress-bar; else progress=--silent; fi
    echo "+ curl $url   (the program is put into $cargo_bin)" >&2
    if ! curl --fail --location --show-error $progress --output "$archive" \
        --connect-timeout 5 --speed-limit 10000 --speed-time 10 "$url" >&2
    then
        echo "mdBook could not be downloaded." >&2
    elif [ "$(sha256 "$archive")" != "${release#* }" ]; then
        echo "The download is not mdBook $mdbook: its SHA-256 is wrong. It is deleted." >&2
    else
        tar -xzf "$archive" -C "$1" --no-same-owner mdbook && return
    fi
    return 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum --algorithm 256 "$1"; fi | cut -d ' ' -f 1
}

# --force replaces another version.
mdbook_build() {
    echo "+ cargo install mdbook --locked --version $mdbook   (this takes minutes, once; the program is put into $cargo_bin)" >&2
    PATH=$rust:$PATH cargo install mdbook --locked --version "$mdbook" --force >&2
}

# Only nightly toolchains have Miri.
miri_install() {
    PATH=$PATH:$cargo_bin
    command -v rustup >/dev/null || return 1
    echo "+ rustup $nightly" >&2
    rustup $nightly >&2
}

# This downloads no browser: the tests use the one that is installed.
packages_install() {
    echo "+ npm ci --prefix $1" >&2
    npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 &&
        cp "$1/package-lock.json" "$1/node_modules/.installed"
}

die() {
    echo "$*" >&2
    exit 1
}

main "$@"
