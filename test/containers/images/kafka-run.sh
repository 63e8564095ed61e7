#!/bin/sh
# Starts Kafka as the official image does: its own wrapper writes the configuration from the variables and formats the storage.
set -e
export CLUSTER_ID="${CLUSTER_ID:-windrow-test-cluster-0}"
cp="/opt/kafka/libs/*"
if ! said=$(java -cp "$cp" kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \
  --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config 2>&1); then
  # Storage that an earlier start formatted is used as it is.
  case "$said" in *'already formatted'*) ;; *) echo "$said" >&2 && exit 1 ;; esac
fi
# shellcheck disable=SC2086 -- several options
exec java ${KAFKA_HEAP_OPTS:--Xmx1g} -XX:+UseSerialGC -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml -cp "$cp" kafka.Kafka \
  /opt/kafka/config/server.properties
