# Database servers for the tests: each on a free port of 127.0.0.1, in one temporary folder, stopped by its pid.
# Sourced by tests/run. Their data is worthless, so they need not survive a power cut: fsync is off.

# A connection of MariaDB is a file, and each test has a database and connections of its own.
ulimit -n "$(ulimit -Hn)"

servers=$(mktemp -d "${TMPDIR:-/tmp}/kefu-test.XXXXXX")
chmod 755 "$servers"
server_pids=()

# Below the ports of outgoing connections (from 32768 on): those are taken as well, though nobody listens there.
free_port() {
  local port
  while :; do
    port=$((RANDOM % 12000 + 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# Neither server runs as root: each has a user of its own. The words before a command that make it that user's: a program that
# becomes the command, so that a server in the background has the pid that is remembered.
as() {
  if [ "$(id -u)" = 0 ]; then echo "setpriv --reuid=$1 --regid=$1 --init-groups"; else echo env; fi
}

own_folder() {
  mkdir -p "$servers/$1"
  if [ "$(id -u)" = 0 ]; then chown "$2:$2" "$servers/$1"; fi
}

# wait_for NAME COMMAND…: until the command succeeds, 120 s at most and as long as the server that was started last lives; else
# shows its log.
wait_for() {
  local name=$1 end=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ] || ! kill -0 "${server_pids[-1]}" 2>/dev/null; then
      echo "tests/run: $name did not come up:" >&2
      tail -n 30 "$servers/$name.log" >&2
      return 1
    fi
    sleep 0.1
  done
}

# Prints nothing; sets POSTGRES_URL.
start_postgres() {
  local bin port user=postgres
  bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  port=$(free_port)
  [ "$(id -u)" = 0 ] || user=$(id -un)
  own_folder postgres postgres
  $(as postgres) "$bin/initdb" -D "$servers/postgres/data" -A trust -U "$user" --no-sync >"$servers/postgres.log" 2>&1 ||
    { cat "$servers/postgres.log" >&2; return 1; }
  $(as postgres) "$bin/postgres" -D "$servers/postgres/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$servers/postgres" -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=1000 >>"$servers/postgres.log" 2>&1 &
  server_pids+=($!)
  wait_for postgres "$bin/pg_isready" -h 127.0.0.1 -p "$port" || return 1
  POSTGRES_URL="postgres://$user@127.0.0.1:$port/postgres"
}

# Prints nothing; sets MARIADB_URL.
start_mariadb() {
  local port user=mysql
  port=$(free_port)
  [ "$(id -u)" = 0 ] || user=$(id -un)
  own_folder mariadb mysql
  $(as mysql) mariadb-install-db --no-defaults --datadir="$servers/mariadb/data" \
    --auth-root-authentication-method=normal --skip-test-db >"$servers/mariadb.log" 2>&1 ||
    { cat "$servers/mariadb.log" >&2; return 1; }
  $(as mysql) "$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults --datadir="$servers/mariadb/data" \
    --port="$port" --bind-address=127.0.0.1 --socket="$servers/mariadb/socket" --pid-file="$servers/mariadb/pid" \
    --skip-name-resolve --max-connections=1000 --loose-debug-no-sync --loose-innodb-flush-method=nosync \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=128M \
    >>"$servers/mariadb.log" 2>&1 &
  server_pids+=($!)
  wait_for mariadb mariadb-admin --no-defaults -h 127.0.0.1 -P "$port" -u root ping || return 1
  MARIADB_URL="mysql://root@127.0.0.1:$port/mysql"
}

stop_servers() {
  local pid
  for pid in "${server_pids[@]}"; do
    kill -INT "$pid" 2>/dev/null || true
    kill -TERM "$pid" 2>/dev/null || true
  done
  for pid in "${server_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$servers"
}
