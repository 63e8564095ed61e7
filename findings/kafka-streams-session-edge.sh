#!/usr/bin/env bash
# Kafka Streams 4.1.0: two records of one key whose distance is exactly the inactivity gap, and when a session is final.
#
# Guess: a session ends when nothing came for the gap, so two records that are exactly the gap apart are two sessions; other
#        keys have nothing to do with it; and the two ways to wait for final results emit them at the same moment.
# True:  the gap is inclusive: they are one session. But if a record of another key with the same time came in between, they
#        are two, since the first session is closed by then. suppress(untilWindowCloses) emits a session as soon as the
#        stream time is its end plus the gap, emitStrategy(onWindowClose) one millisecond later.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/maven.sh"

cd "$TEMP"
maven_jars jars org.apache.kafka:kafka-streams-test-utils:4.1.0 org.slf4j:slf4j-nop:2.0.17
cat >Sessions.java <<'EOF'
import java.nio.file.*;
import java.time.*;
import java.util.*;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

public class Sessions {
  record Point(String key, long at) {}

  static void run(String what, boolean suppress, Point... points) throws Exception {
    var builder = new StreamsBuilder();
    var strings = Serdes.String();
    var windows = builder.stream("in", Consumed.with(strings, strings)).groupByKey(Grouped.with(strings, strings))
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(Duration.ofMillis(10)));
    KTable<Windowed<String>, Long> counts = suppress
        ? windows.count().suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
        : windows.emitStrategy(EmitStrategy.onWindowClose()).count();
    counts.toStream()
        .map((key, n) -> KeyValue.pair("out", key.key() + " " + key.window().start() + ".." + key.window().end() + ": " + n))
        .to("out", Produced.with(strings, strings));
    var settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "findings");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory(Path.of("."), "state").toString());
    System.out.println(what + ", " + (suppress ? "suppress" : "onWindowClose"));
    try (var driver = new TopologyTestDriver(builder.build(), settings, Instant.EPOCH)) {
      var in = driver.createInputTopic("in", new StringSerializer(), new StringSerializer());
      var out = driver.createOutputTopic("out", new StringDeserializer(), new StringDeserializer());
      for (var point : points) {
        in.pipeInput(point.key, "value", point.at);
        System.out.println("  " + point.key + " at " + point.at + ": emits " + out.readValuesToList());
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (boolean suppress : new boolean[] {true, false}) {
      run("one key", suppress, new Point("a", 0), new Point("a", 10), new Point("z", 20), new Point("z", 21));
      run("another key between", suppress, new Point("a", 0), new Point("z", 10), new Point("a", 10), new Point("z", 11),
          new Point("z", 20), new Point("z", 21));
    }
  }
}
EOF
expect java -cp 'jars/*' Sessions.java <<'EOF'
one key, suppress
  a at 0: emits []
  a at 10: emits []
  z at 20: emits [a 0..10: 2]
  z at 21: emits []
another key between, suppress
  a at 0: emits []
  z at 10: emits [a 0..0: 1]
  a at 10: emits []
  z at 11: emits []
  z at 20: emits [a 10..10: 1]
  z at 21: emits []
one key, onWindowClose
  a at 0: emits []
  a at 10: emits []
  z at 20: emits []
  z at 21: emits [a 0..10: 2]
another key between, onWindowClose
  a at 0: emits []
  z at 10: emits []
  a at 10: emits []
  z at 11: emits [a 0..0: 1]
  z at 20: emits []
  z at 21: emits [a 10..10: 1]
EOF
holds 'the gap of a Kafka Streams session is inclusive, unless another key has moved the time on'
