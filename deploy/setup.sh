# shellcheck shell=bash
# shellcheck disable=SC2034
# What deploy/demo and tests/run share: finding what is missing on this machine, installing it on
# Debian (and its kin), and building. Sourced by them; defines functions only.

# Packages of Debian 12, by what needs them.
HF_PACKAGES_BUILD="gcc libc6-dev cmake ninja-build pkg-config libsodium-dev protobuf-c-compiler libprotobuf-c-dev libsqlite3-dev libmicrohttpd-dev libjansson-dev libcurl4-openssl-dev libsecp256k1-dev opencl-c-headers libhiredis-dev libssl-dev libzmq3-dev"
HF_PACKAGES_TEST="libcriterion-dev libgmp-dev clang libclang-rt-14-dev redis-server"
HF_PACKAGES_OPENCL="ocl-icd-libopencl1 pocl-opencl-icd"
HF_PACKAGES_NODE="nodejs npm"

hf_say() { printf '%s\n' "$*" >&2; }

# hf_missing PACKAGE...: those of the packages that are not installed.
hf_missing() {
  local package
  for package in "$@"; do
    # nodejs and npm may come from elsewhere than Debian: the commands are what counts.
    case $package in
      nodejs) command -v node >/dev/null && continue ;;
      npm) command -v npm >/dev/null && continue ;;
      gcc) command -v gcc >/dev/null && continue ;;
      clang) command -v clang >/dev/null && continue ;;
      cmake) command -v cmake >/dev/null && continue ;;
      libcurl4-openssl-dev) pkg-config --exists libcurl 2>/dev/null && continue ;; # there are three of them
    esac
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' ok installed$'; then
      printf '%s ' "$package"
    fi
  done
}

# hf_install WHY PACKAGE...: installs what is missing and says what; 1 when it cannot.
hf_install() {
  local why=$1 missing log
  local as_root=()
  shift
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    hf_say "setup: not a Debian system; these Debian packages, or what they hold, are needed ($why): $*"
    return 0 # the build says what it does not find
  fi
  missing=$(hf_missing "$@")
  [ -n "$missing" ] || return 0
  hf_say "setup: installing ($why): $missing"
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    if ! sudo -n true 2>/dev/null; then
      hf_say "setup: cannot install as this user without a password; run once: sudo apt-get install -y --no-install-recommends $missing"
      return 1
    fi
  fi
  log=$(mktemp) || return 1
  if [ -z "${HF_APT_UPDATED:-}" ]; then
    "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 || hf_say "setup: apt-get update failed; trying with the lists there are"
    HF_APT_UPDATED=1
  fi
  # shellcheck disable=SC2086 # a list of words
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends $missing </dev/null >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    hf_say "setup: apt-get could not install: $missing"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# hf_npm FOLDER WHY: what the folder's package-lock.json names, by npm ci, once for each lockfile; 1 when it cannot.
hf_npm() {
  local folder=$1 stamp=$1/node_modules/.hyperfold
  # shellcheck disable=SC2086 # a list of words
  hf_install "$2, optional" $HF_PACKAGES_NODE || hf_say "setup: going on without Node"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    hf_say "setup: node and npm are not installed"
    return 1
  fi
  cmp -s "$folder/package-lock.json" "$stamp" && return 0
  hf_say "setup: fetching $2 (npm ci in $folder)"
  if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund </dev/null) >&2; then
    hf_say "setup: npm ci failed in $folder (offline?)"
    return 1
  fi
  cp "$folder/package-lock.json" "$stamp"
}

hf_cores() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

# hf_build FOLDER [CMAKE OPTION...] [-- TARGET...]: configures and builds; the log is shown when it fails.
hf_build() {
  local folder=$1 log
  local options=() targets=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -gt 0 ] && shift
  while [ $# -gt 0 ]; do targets+=(--target "$1"); shift; done
  mkdir -p "$folder" || return 1
  log=$folder/setup.log
  hf_say "setup: building in ${folder#"$HF_ROOT"/}"
  if ! { cmake -S "$HF_ROOT" -B "$folder" -G Ninja "${options[@]}" &&
    cmake --build "$folder" -j "$(hf_cores)" "${targets[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 60 "$log" >&2
    hf_say "setup: the build in $folder failed; the whole log is $log"
    return 1
  fi
  if grep -q 'warning:' "$log"; then
    hf_say "setup: the build in $folder warns; see $log"
  fi
}
