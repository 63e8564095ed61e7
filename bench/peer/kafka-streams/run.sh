#!/bin/bash
# Runs the Kafka Streams comparator; needs Java 17 (with javac) and Maven. Arguments as in Peer.java; without any it is only
# built. Builds into $PEER_HOME, a folder outside the checkout (default: a folder in the system's temporary directory).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tmp=${TMPDIR:-/tmp}
home=${PEER_HOME:-$tmp/kafka-streams-peer}
mkdir -p "$home"
[ -d "$home/libs" ] || mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$home/libs"
[ "$home/Peer.class" -nt "$here/Peer.java" ] || javac -cp "$home/libs/*" -d "$home" "$here/Peer.java"
[ $# -gt 0 ] || exit 0
exec java -Xmx2g -Djava.io.tmpdir="$tmp" -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$home/libs/*:$home" Peer "$@"
