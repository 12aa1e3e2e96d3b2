#!/usr/bin/env bash
# Three hosts that are one Lever, and their database, on this machine. The script deploys a service, calls it through each host,
# kills a host, and drains another one. Everything is in a temporary folder, which is removed at the end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# The lever command of this repository, and the Node that it needs.
PATH="$here/../../node_modules/.bin:$PATH"
# The user's own hosts, contexts and tokens stay out of it.
unset LEVEROS_IP_PORT LEVEROS_ENV LEVEROS_TOKEN
folder=$(mktemp -d)
export XDG_CONFIG_HOME="$folder/config"
# The user of the database enters it.
chmod 711 "$folder"
declare -A process address
database=

title() { printf '\n== %s\n' "$*"; }

# Runs a command, and shows it before its output.
show() {
  printf '$ %s\n' "$*"
  "$@"
}

clean_up() {
  trap - EXIT
  kill "${process[@]}" 2>/dev/null || true
  for name in "${!process[@]}"; do wait "${process[$name]}" 2>/dev/null || true; done
  if [ -n "$database" ]; then
    kill -INT "$database" 2>/dev/null || true
    wait "$database" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap clean_up EXIT

# PostgreSQL does not run as root. Debian's package makes a user for it.
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$programs" ]; then
  echo "Cannot start a database: PostgreSQL is not installed (apt install postgresql)." >&2
  exit 1
fi
postgres_user=()
mkdir "$folder/database"
if [ "$(id -u)" = 0 ]; then
  postgres_user=(setpriv --reuid=postgres --regid=postgres --clear-groups --)
  chown postgres "$folder/database"
fi
as_postgres() { (cd "$folder/database" && "${postgres_user[@]}" "$programs/$1" "${@:2}"); }

start_database() {
  as_postgres initdb -D "$folder/database/data" --username=postgres --auth=trust --no-sync >"$folder/initdb.out"
  # Only its socket in the folder, and no port.
  (cd "$folder/database" && exec "${postgres_user[@]}" "$programs/postgres" -D "$folder/database/data" \
    -k "$folder/database" -c listen_addresses= -c fsync=off) >"$folder/postgres.out" 2>&1 &
  database=$!
  until as_postgres pg_isready -q -h "$folder/database"; do
    kill -0 "$database" || { cat "$folder/postgres.out" >&2; exit 1; }
    sleep 0.1
  done
  as_postgres psql -q -h "$folder/database" -U postgres \
    -c "CREATE ROLE lever LOGIN" -c "CREATE DATABASE lever OWNER lever"
}

# A folder in the place of a host name is that of the socket, with / as %2F. Elsewhere: postgres://lever@db.example/lever
url="postgres://lever@${folder//\//%2F}%2Fdatabase/lever"

# start_host NAME OPTION...: its name, and more options of lever up.
start_host() {
  local name=$1
  : >"$folder/$name.out"
  lever up --data "$folder/$name" --port 0 --workers 1 --isolation process \
    --cluster "$url" --cluster-key "$folder/cluster.key" --host-name "$name" "${@:2}" \
    >"$folder/$name.out" 2>"$folder/$name.log" &
  process[$name]=$!
  address[$name]=
  until [ -n "${address[$name]}" ]; do
    kill -0 "${process[$name]}" || { cat "$folder/$name.log" >&2; exit 1; }
    sleep 0.1
    address[$name]=$(sed -n 's|^Lever is up at http://||p' "$folder/$name.out")
  done
}

title "A database, the key of the cluster, and three hosts"
start_database
lever cluster key new >"$folder/cluster.key"
chmod 600 "$folder/cluster.key"
start_host a --found
start_host b
start_host c
show lever -H "${address[a]}" hosts

title "A deploy on one host holds on all of them"
show lever -H "${address[c]}" deploy "$here/place"
for name in a b c; do show lever -H "${address[$name]}" invoke /place/greet '"Ada"'; done

title "A resource has one owner, whichever host is called"
for name in a b c; do show lever -H "${address[$name]}" invoke /place/lobby/owner; done

title "A host is killed: calls go on, and when it is back its resources are free at once"
show kill -9 "${process[c]}"
for name in a b; do show lever -H "${address[$name]}" invoke /place/greet '"Ada"'; done
start_host c
for name in a b c; do show lever -H "${address[$name]}" invoke /place/lobby/owner; done

title "A host is drained, as before its upgrade: the others have its calls and resources"
show lever -H "${address[a]}" hosts drain b
show lever -H "${address[b]}" invoke /place/greet '"Ada"'
show lever -H "${address[a]}" hosts
show lever -H "${address[a]}" hosts resume b

title "Done"
