#!/bin/sh
# Makes this Linux machine a device of the Flotilla server @SERVER@ (agent @VERSION@). Running it again updates the agent; --help says more.
set -eu

SERVER=@SERVER@
CHECKSUMS='
@CHECKSUMS@'
TOKEN="${FLOTILLA_TOKEN:-}"
NAME=""
ROOT=""
ENGINE="${DOCKER_HOST:-unix:///var/run/docker.sock}"
ACTION=install
PURGE=no

usage() {
  cat <<'USAGE'
usage: install.sh [flp_…] [--name NAME] [--engine ADDRESS] [--root DIR]
       install.sh --uninstall [--purge]

  flp_…        provisioning token (also --token or FLOTILLA_TOKEN); without one the agent is installed or updated but not enrolled
  --name       name of the device, when the host's name will not do
  --engine     where the Docker Engine listens (default: unix:///var/run/docker.sock)
  --root       installs below DIR and starts nothing: for images of whole systems
  --uninstall  stops and removes the agent; containers go on running, key and state stay unless --purge is given
USAGE
}

say() { printf '%s\n' "flotilla: $*"; }
fail() {
  printf '%s\n' "flotilla: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case "$1" in
    --token | --name | --root | --engine)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --token) TOKEN=$2 ;;
        --name) NAME=$2 ;;
        --root) ROOT=$2 ;;
        --engine) ENGINE=$2 ;;
      esac
      shift 2
      ;;
    --uninstall)
      ACTION=uninstall
      shift
      ;;
    --purge)
      PURGE=yes
      shift
      ;;
    flp_*)
      TOKEN=$1
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done

BINARY="$ROOT/usr/local/bin/flotilla-agent"
UNIT="$ROOT/etc/systemd/system/flotilla-agent.service"
CONFIG="$ROOT/etc/flotilla"
STATE="$ROOT/var/lib/flotilla"

[ "$(uname -s)" = Linux ] || fail "the agent runs on Linux; this is $(uname -s)"
if [ -z "$ROOT" ] && [ "$(id -u)" != 0 ]; then fail "run this as root: curl … | sudo sh -s -- flp_…"; fi

has_systemd() { [ -z "$ROOT" ] && [ -d /run/systemd/system ]; }

uninstall() {
  if has_systemd; then systemctl disable --now flotilla-agent.service >/dev/null 2>&1 || true; fi
  rm -f "$UNIT" "$BINARY"
  if has_systemd; then systemctl daemon-reload; fi
  if [ "$PURGE" = yes ]; then
    rm -rf "$CONFIG" "$STATE" "$ROOT/etc/default/flotilla-agent"
    say "the agent is removed, with its key and its state"
  else
    say "the agent is removed; $CONFIG and $STATE stay (--purge removes them)"
  fi
  say "containers go on running; docker ps --filter label=io.flotilla.app shows them"
}

target() {
  case "$(uname -m)" in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no agent for the architecture $(uname -m); there are x86_64 and aarch64" ;;
  esac
  musl=""
  for loader in /lib/ld-musl-*; do
    if [ -e "$loader" ] && ! ls /lib*/ld-linux-* /lib/*/ld-linux-* >/dev/null 2>&1; then musl="-musl"; fi
  done
  printf '%s\n' "flotilla-agent-linux-$machine$musl"
}

check_engine() {
  # An image of a system has no engine yet, and an enrolled device knows its own.
  if [ -n "$ROOT" ] || [ -f "$CONFIG/agent.json" ]; then return 0; fi
  case "$ENGINE" in
    unix://*)
      socket=${ENGINE#unix://}
      [ -S "$socket" ] && return 0
      fail "no Docker Engine listens on $socket; install one (apt-get install docker.io) or name it with --engine"
      ;;
  esac
}

# The certificate of the server may be its own: what is downloaded is believed by the checksum in this script, whoever delivered it.
download() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSk --retry 5 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q --no-check-certificate -O "$2" "$1"
  else
    fail "curl or wget is needed"
  fi
}

checksum() { sha256sum "$1" | cut -d ' ' -f 1; }

install_binary() {
  file=$(target)
  wanted=$(printf '%s\n' "$CHECKSUMS" | while read -r sum name; do [ "$name" = "$file" ] && printf '%s' "$sum"; done || true)
  [ -n "$wanted" ] || fail "the server has no $file"
  CHANGED=no
  if [ -f "$BINARY" ] && [ "$(checksum "$BINARY")" = "$wanted" ]; then
    say "the agent is up to date"
    return 0
  fi
  mkdir -p "$(dirname "$BINARY")"
  temporary="$BINARY.new.$$"
  trap 'rm -f "$temporary" "$temporary.gz"' EXIT
  say "downloading $file"
  download "$SERVER/agents/$file.gz" "$temporary.gz" || fail "$SERVER/agents/$file.gz could not be downloaded"
  gunzip -c "$temporary.gz" >"$temporary" || fail "the download is damaged; run this again"
  rm -f "$temporary.gz"
  [ "$(checksum "$temporary")" = "$wanted" ] || fail "the download has another checksum than this script names; run this again"
  chmod 755 "$temporary"
  mv -f "$temporary" "$BINARY"
  CHANGED=yes
}

write_unit() {
  mkdir -p "$(dirname "$UNIT")" "$CONFIG" "$STATE"
  chmod 700 "$STATE"
  cat >"$UNIT.new" <<'SERVICE'
@UNIT@
SERVICE
  if [ -f "$UNIT" ] && cmp -s "$UNIT" "$UNIT.new"; then
    rm -f "$UNIT.new"
  else
    mv -f "$UNIT.new" "$UNIT"
    CHANGED=yes
  fi
}

# A proxy that was needed here is needed by the agent too.
write_environment() {
  defaults="$ROOT/etc/default/flotilla-agent"
  [ -f "$defaults" ] && return 0
  mkdir -p "$(dirname "$defaults")"
  (
    umask 077
    {
      echo "# Environment of flotilla-agent; see flotilla-agent --help."
      [ -n "${https_proxy:-${HTTPS_PROXY:-}}" ] && echo "HTTPS_PROXY=${https_proxy:-${HTTPS_PROXY:-}}"
      [ -n "${http_proxy:-${HTTP_PROXY:-}}" ] && echo "HTTP_PROXY=${http_proxy:-${HTTP_PROXY:-}}"
      [ -n "${no_proxy:-${NO_PROXY:-}}" ] && echo "NO_PROXY=${no_proxy:-${NO_PROXY:-}}"
      true
    } >"$defaults"
  )
}

enrol() {
  if [ -n "$ROOT" ]; then
    [ -z "$TOKEN" ] || fail "--root takes no token: each device enrols by itself, when it runs"
    return 0
  fi
  if [ -z "$TOKEN" ]; then
    [ -f "$CONFIG/agent.json" ] || say "not enrolled: run flotilla-agent enrol --server $SERVER --token flp_…"
    return 0
  fi
  set -- enrol --server "$SERVER" --engine "$ENGINE"
  [ -z "$NAME" ] || set -- "$@" --name "$NAME"
  FLOTILLA_AGENT_TOKEN=$TOKEN "$BINARY" "$@"
}

start() {
  if ! has_systemd; then
    [ -n "$ROOT" ] || say "this machine has no systemd: let your supervisor run $BINARY run (with BUN_JSC_useJIT=0 it needs less memory)"
    return 0
  fi
  systemctl daemon-reload
  [ -f "$CONFIG/agent.json" ] || return 0
  systemctl enable flotilla-agent.service >/dev/null 2>&1
  if [ "$CHANGED" = yes ]; then systemctl restart flotilla-agent.service; else systemctl start flotilla-agent.service; fi
  say "the agent runs; see: flotilla-agent status"
}

if [ "$ACTION" = uninstall ]; then
  uninstall
  exit 0
fi
check_engine
install_binary
write_unit
write_environment
enrol
start
