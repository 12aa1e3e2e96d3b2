#!/usr/bin/env bash
# Everything that is checked, in the order of what fails fastest. Called by npm test.
set -euo pipefail
cd "$(dirname "$0")/.."

# What tests need beside Node: commands, and Debian's packages that have them.
needed=()
need() { # <package> <command that succeeds where it is installed>
  bash -c "$2" >/dev/null 2>&1 || needed+=("$1")
}
need curl "curl --version"
need openssl "openssl version"
need chromium "/usr/bin/chromium --version"
need python3-grpcio "/usr/bin/python3 -c 'import grpc'"
need runc "command -v runc"
need containernetworking-plugins "test -x /usr/lib/cni/ptp"
need nftables "PATH=$PATH:/usr/sbin command -v nft"
need iproute2 "PATH=$PATH:/usr/sbin command -v ip"
need e2fsprogs "PATH=$PATH:/usr/sbin:/sbin command -v mkfs.ext4"
need util-linux "command -v prlimit && command -v nsenter"
need mount "PATH=$PATH:/usr/sbin:/sbin command -v mount && test -x /sbin/losetup"
need procps "command -v ps"
need wrk "command -v wrk"
need python3-protobuf "/usr/bin/python3 -c 'import google.protobuf'"
if ((${#needed[@]} > 0)); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "Installing ${needed[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${needed[@]}" >/dev/null
  else
    echo "The tests need more than Node. Install first: apt-get install ${needed[*]}" >&2
    exit 1
  fi
fi

npm run --silent build
npm run --silent check
# By itself, before tests share the processors.
node --conditions=lever-source bench/guard.ts
exec vitest run
