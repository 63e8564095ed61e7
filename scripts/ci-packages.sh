#!/bin/sh
# Installs the missing system packages of the stack suite (Debian and its derivatives). The services in these packages are
# neither started nor enabled: a stack runs its own, in its own data folder. Go is not included, since Debian's version is
# too old for Dapr: see docs/operating/stack.md.
set -eu

missing=''
need() { # need PROGRAM-PATTERN PACKAGE...
  pattern=$1
  shift
  # shellcheck disable=SC2086 -- the pattern is to be expanded
  command -v $pattern >/dev/null 2>&1 || ls $pattern >/dev/null 2>&1 || missing="$missing $*"
}

need java openjdk-17-jre-headless
need javac openjdk-17-jdk-headless
need mvn maven
need redis-server redis-server
need '/usr/lib/postgresql/*/bin/initdb' postgresql
need '/usr/lib/postgresql/*/bin/psql' postgresql-client
need kcat kcat
need openssl openssl
need promtool prometheus
need chromium chromium
# A Python that can create virtual environments.
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3 python3-venv"
# Containers for the suite `compose`: images are built by buildah and run by podman-compose. A Docker with compose also does.
if ! { docker compose version && docker info; } >/dev/null 2>&1; then
  need podman podman
  need podman-compose podman-compose
  need buildah buildah
  need runc runc
  need /usr/lib/podman/netavark netavark
  need /usr/lib/podman/aardvark-dns aardvark-dns
  need catatonit catatonit
  need debootstrap debootstrap
  need iptables iptables
  need ip iproute2
  need nsenter util-linux
fi

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "ci-packages: missing:$missing. Run 'apt-get install$missing' as root." >&2
  exit 1
fi

# While this file exists, invoke-rc.d refuses to start the services of installed packages (exit code 101: forbidden).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 -- one word per package
apt-get install -y -qq --no-install-recommends $missing >/dev/null
# systemd would start them at the next boot, on ports that a stack does not use.
if [ -d /run/systemd/system ]; then
  for service in redis-server postgresql prometheus; do
    case "$missing " in *" $service "*) systemctl disable --now "$service" >/dev/null ;; esac
  done
fi
