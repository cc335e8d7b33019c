# shellcheck shell=bash
# Shell functions that scripts/run, scripts/test, scripts/build-lambda and Benchmarks/run share. Sourced, never run.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
import_check=(--explicit-target-dependency-import-check error)

# What a part of the checks ends with that cannot be done here, and says why: no fault, no success.
skipped=75

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# heading TEXT: what happens next, and the time since the script began.
heading() {
    printf '\n== %s (%dm%02ds)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)) >&2
}

# missing_packages NAME...: prints those that dpkg does not have installed.
missing_packages() {
    local name
    for name in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
            printf '%s\n' "$name"
        fi
    done
}

# install_packages NAME...: installs the missing ones with apt-get, or says who must and how.
install_packages() {
    local missing as_root=()
    command -v dpkg-query >/dev/null ||
        fail "this is no Debian system. Install the likes of these by hand: $*"
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "Debian packages are missing, and neither are you root" \
            "nor is there sudo. Have root run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "Installing: ${missing[*]}"
    "${as_root[@]}" apt-get update -q >&2 ||
        say "apt-get update failed; going on with the package lists at hand."
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 ||
        fail "apt-get could not install: ${missing[*]}. Its message is above."
}

# What compiling and running Usher takes beside Swift.
build_packages=(git libjwt-dev libmicrohttpd-dev libnats-dev libpq-dev libsqlite3-dev libssl-dev
    pkg-config)

require_swift() {
    command -v swift >/dev/null || fail "swift is not on the PATH. Get Swift 6.2 or newer for" \
        "Debian 12 from https://www.swift.org/install/linux/ and add its usr/bin to the PATH."
    local version
    version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' |
        grep -oE '[0-9.]+$') || fail "swift --version does not name a version: is the toolchain whole?"
    [ "$(printf '6.2\n%s\n' "$version" | sort -V | head -n 1)" = 6.2 ] ||
        fail "Swift $version is too old: 6.2 or newer is needed" \
            "(https://www.swift.org/install/linux/)."
}
