# What the start and stop scripts of this folder share; they source it.
#
# A server lives in $SEGFLOW_SERVICES_HOME/<name>-<port>/ with its data, logs and pid files, so two
# servers of a kind need nothing but two ports. It runs as whoever starts it; root starts it as the
# user $SEGFLOW_SERVICES_USER, since PostgreSQL refuses root. It listens on 127.0.0.1 only.
set -euo pipefail

BIND=127.0.0.1
STARTED=()   # pid files of the processes that this script has started

say() { printf '%s: %s\n' "$SERVICE" "$*"; }
die() { printf '%s: error: %s\n' "${SERVICE:-services}" "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# server NAME PORT: make $DIR, the folder of that server, and hold its lock until the script ends.
server() {
  SERVICE="$1"
  RUN_AS="$(id -un)" AS=()
  if is_root; then
    RUN_AS="${SEGFLOW_SERVICES_USER:-segflow-services}"
    exec 8>"${TMPDIR:-/tmp}/segflow-user.lock" # servers that start side by side make one user
    flock -w 60 8 || die "another start is making the user $RUN_AS"
    id "$RUN_AS" >/dev/null 2>&1 \
      || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$RUN_AS"
    exec 8>&-
    AS=(setpriv --reuid="$RUN_AS" --regid="$RUN_AS" --clear-groups --no-new-privs)
  fi
  local home="${SEGFLOW_SERVICES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/segflow-services}"
  mkdir -p "$home"
  if ! as_server test -x "$home"; then # root's home is closed to others
    [ -z "${SEGFLOW_SERVICES_HOME:-}" ] || die "the user $RUN_AS can't enter SEGFLOW_SERVICES_HOME=$home"
    rmdir "$home" 2>/dev/null || true
    home=/var/cache/segflow-services
    mkdir -p "$home"
  fi
  DIR="$(cd "$home" && pwd -P)/$1-$2"
  [ ${#DIR} -le 80 ] || die "$DIR is too long for a socket: set SEGFLOW_SERVICES_HOME to a shorter path"
  mkdir -p "$DIR"
  if is_root; then chown "$RUN_AS:" "$DIR"; fi
  as_server mkdir -p -m 700 "$DIR/data" "$DIR/log" "$DIR/run" || die "$DIR belongs to somebody else"
  cd "$DIR"
  exec 9>"$DIR/.lock"
  flock -w 300 9 || die "another start or stop of it is under way"
  trap give_up EXIT
}

# A start that fails leaves nothing running that it started.
give_up() {
  local code=$?
  if [ $code != 0 ]; then
    for one in "${STARTED[@]}"; do end_process "$one" INT || true; done
  fi
  exit $code
}

# as_server COMMAND...: run it as the user that the server runs as.
as_server() { "${AS[@]}" "$@"; }

# quietly LOG COMMAND...: run it as the server's user; show what it said only if it fails.
quietly() {
  local log="$1"; shift
  as_server "$@" >"$log" 2>&1 9>&- || { tail -n 20 "$log" >&2; die "$1 failed"; }
}

# A pid file holds the pid and when that process began, so that a pid given anew isn't mistaken.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
runs() {
  local pid start
  [ -s "$1" ] || return 1
  read -r pid start <"$1"
  [ "$(began "$pid")" = "$start" ] && [ "$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f1)" != Z ]
}

# start_process PIDFILE LOG COMMAND...: detached from the terminal, as the server's user.
start_process() {
  local pidfile="$1" log="$2"; shift 2
  # Each exec keeps the pid, so it is the server's own; and the lock isn't handed to it.
  ( exec "${AS[@]}" setsid "$@" </dev/null >>"$log" 2>&1 9>&- ) &
  local pid=$!
  disown "$pid"
  printf '%s %s\n' "$pid" "$(began "$pid")" >"$pidfile"
  STARTED+=("$pidfile")
}

# end_process PIDFILE SIGNAL: and wait until it is gone.
end_process() {
  local pid i
  if runs "$1"; then
    read -r pid _ <"$1"
    kill -"$2" "$pid" || die "can't end process $pid: it was started by another user"
    for ((i = 0; i < 600; i++)); do
      runs "$1" || break
      sleep 0.1
    done
    if runs "$1"; then kill -KILL "$pid"; fi
  fi
  rm -f "$1"
}

# wait_for PIDFILE LOG COMMAND...: until it succeeds; an end of the process, or a minute (or $WAIT
# seconds), is a failure.
wait_for() {
  local pidfile="$1" log="$2" until=$((SECONDS + ${WAIT:-60})); shift 2
  while [ $SECONDS -lt $until ]; do
    if "$@" >/dev/null 2>&1; then return 0; fi
    runs "$pidfile" || { tail -n 20 "$log" >&2; die "it ended while starting; see $log"; }
    sleep 0.1
  done
  tail -n 20 "$log" >&2
  die "it doesn't answer after ${WAIT:-60} seconds; see $log"
}

# port_is_free PORT VARIABLE: fails with a hint if another program listens there.
port_is_free() {
  if (exec 3<>"/dev/tcp/$BIND/$1") 2>/dev/null; then
    die "another program listens on port $1: end it, or name another port with $2"
  fi
}

# need TEST PACKAGE...: install the Debian packages if the test fails.
need() {
  local test="$1" sudo=(); shift
  if "$test"; then return 0; fi
  command -v apt-get >/dev/null || die "not installed here, and there is no apt-get to install: $*"
  if ! is_root; then sudo=(sudo -n); fi
  say "installing $*"
  exec 8>"${TMPDIR:-/tmp}/segflow-apt-$(id -u).lock"
  flock -w 600 8 || die "another installation is under way"
  # Runlevel 1: the package's own server isn't started. Only if it fails, the lists may be old.
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q)
  "${apt[@]}" install -y --no-install-recommends "$@" >log/apt.log 2>&1 8>&- 9>&- \
    || { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } >log/apt.log 2>&1 8>&- 9>&- \
    || { tail -n 20 log/apt.log >&2; die "can't install it; try: apt-get install $*"; }
  exec 8>&-
  "$test" || die "it is still missing after installing $*"
}
