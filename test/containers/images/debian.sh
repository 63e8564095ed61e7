#!/bin/sh
# Makes two root file systems of Debian and writes each as a tar archive: debian.sh FOLDER. `slim` is what the image of that
# name contains; `services` adds the programs of the services. Needs root; mounts end with the namespace of this process.
set -eu
folder=$1
root=$folder/root
if [ -z "${WINDROW_UNSHARED:-}" ]; then
  WINDROW_UNSHARED=1 exec unshare --mount sh "$0" "$folder"
fi

trim() {
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/usr/share/doc/* "$root"/usr/share/locale/* \
    "$root"/usr/share/man/* "$root"/var/log/*.log "$root"/var/log/apt/*
}

debootstrap --variant=minbase --include=ca-certificates bookworm "$root"
cp -r "$root/var/lib/apt/lists" "$folder/lists"
trim
tar -C "$root" -c . >"$folder/slim.tar"

cp -r "$folder/lists/." "$root/var/lib/apt/lists/"
mount -t proc proc "$root/proc"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# No cluster of PostgreSQL is wanted while it installs, and Java's package expects the folder of manual pages.
mkdir -p "$root/etc/postgresql-common" "$root/usr/share/man/man1"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -q --no-install-recommends \
  redis-server postgresql openjdk-17-jre-headless busybox
umount "$root/proc"
# Large, and used only by the compiler of queries, which is not used here.
rm -f "$root"/usr/lib/*/libLLVM*
trim
tar -C "$root" -c . >"$folder/services.tar"
rm -rf "$root" "$folder/lists"
