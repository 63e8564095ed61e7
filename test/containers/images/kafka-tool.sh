#!/bin/sh
# Kafka's command-line tools by their usual names.
case "${0##*/}" in
  kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
  kafka-broker-api-versions.sh) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
  *) echo "unknown tool $0" >&2 && exit 2 ;;
esac
# shellcheck disable=SC2086 -- several options
exec java ${KAFKA_HEAP_OPTS:--Xmx128m} -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' "$class" "$@"
