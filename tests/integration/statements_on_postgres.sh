#!/usr/bin/env bash
# Loads the coordinator's schema into a PostgreSQL of its own and prepares every statement there.
# usage: statements_on_postgres.sh PRINT_STATEMENTS
set -euo pipefail
print_statements=$1
coordinator=$(cd "$(dirname "$0")/../../coordinator" && pwd)
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
dir=$(mktemp -d)

# PostgreSQL refuses to run as root; its Debian package brings a user.
as_postgres=()
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$dir"
    as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi

finish() {
    "${as_postgres[@]}" "$programs/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap finish EXIT

cd "$dir"
"${as_postgres[@]}" "$programs/initdb" -D "$dir/data" -U hearth -A trust --no-sync >/dev/null
"${as_postgres[@]}" "$programs/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off" start >/dev/null || {
    cat "$dir/log" >&2
    exit 1
}

"$print_statements" >"$dir/statements.sql"
cat "$coordinator/meta/schema.sql" "$coordinator/meta/functions_postgres.sql" "$dir/statements.sql" |
    psql -h "$dir" -U hearth -d postgres -v ON_ERROR_STOP=1 -q
echo "prepared $(grep -c ^PREPARE "$dir/statements.sql") statements"
