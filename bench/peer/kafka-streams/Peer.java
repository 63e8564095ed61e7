import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The comparator: the same job on Kafka Streams. Reads Avro data points (vmId, metric, timestamp, seq, value after
 * HEADER bytes of framing), keeps count/sum/min/max per VM and tumbling window, and writes one final record a window.
 * usage: Peer POINTS TOPIC OUT_TOPIC WINDOW_MS exactly_once_v2|at_least_once THREADS HEADER_BYTES [BROKERS]
 * Prints one JSON line when POINTS points have been folded, then runs on until its standard input ends: whoever measures
 * from outside sees the last results come by the commit interval, as in a service, and can still read the CPU time.
 */
public class Peer {
  record Point(long timestamp, double value) {}
  record Acc(long count, double sum, double min, double max) {}

  static Serde<Point> points(int header) {
    ThreadLocal<BinaryDecoder> reuse = new ThreadLocal<>();
    return Serdes.serdeFrom((t, p) -> { throw new UnsupportedOperationException(); }, (t, bytes) -> {
      try {
        BinaryDecoder d = DecoderFactory.get().binaryDecoder(bytes, header, bytes.length - header, reuse.get());
        reuse.set(d);
        d.skipString(); d.skipString();
        long timestamp = d.readLong();
        d.readLong();
        return new Point(timestamp, d.readDouble());
      } catch (Exception e) { throw new RuntimeException(e); }
    });
  }

  static final Serde<Acc> ACC = Serdes.serdeFrom(
    (t, a) -> a == null ? null : ByteBuffer.allocate(32).putLong(a.count).putDouble(a.sum).putDouble(a.min).putDouble(a.max).array(),
    (t, b) -> { if (b == null) return null; ByteBuffer q = ByteBuffer.wrap(b); return new Acc(q.getLong(), q.getDouble(), q.getDouble(), q.getDouble()); });

  public static void main(String[] a) throws Exception {
    long wanted = Long.parseLong(a[0]);
    String topic = a[1], out = a[2];
    Duration window = Duration.ofMillis(Long.parseLong(a[3]));
    AtomicLong folded = new AtomicLong(), started = new AtomicLong(), results = new AtomicLong();
    Serde<Point> point = points(Integer.parseInt(a[6]));
    StreamsBuilder b = new StreamsBuilder();
    b.stream(topic, Consumed.with(Serdes.String(), point).withTimestampExtractor((r, prev) -> ((Point) r.value()).timestamp()))
      .peek((k, v) -> { if (started.get() == 0) started.compareAndSet(0, System.nanoTime()); folded.incrementAndGet(); })
      .groupByKey(Grouped.with(Serdes.String(), point))
      .windowedBy(TimeWindows.ofSizeAndGrace(window, Duration.ofSeconds(10)))
      .aggregate(() -> new Acc(0, 0, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY),
        (k, v, x) -> new Acc(x.count + 1, x.sum + v.value, Math.min(x.min, v.value), Math.max(x.max, v.value)),
        Materialized.<String, Acc, WindowStore<Bytes, byte[]>>as("windows").withKeySerde(Serdes.String()).withValueSerde(ACC))
      .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
      .toStream().map((k, v) -> KeyValue.pair(k.key() + "@" + k.window().start(), v)).peek((k, v) -> results.incrementAndGet())
      .to(out, Produced.with(Serdes.String(), ACC));
    Properties p = new Properties();
    String id = "peer-" + System.currentTimeMillis();
    p.put("application.id", id);
    p.put("bootstrap.servers", a.length > 7 ? a[7] : "127.0.0.1:9092");
    p.put("auto.offset.reset", "earliest");
    p.put("processing.guarantee", a[4]);
    p.put("num.stream.threads", a[5]);
    p.put("state.dir", System.getProperty("java.io.tmpdir") + "/" + id);
    KafkaStreams streams = new KafkaStreams(b.build(), p);
    streams.start();
    while (folded.get() < wanted) Thread.sleep(20);
    double seconds = (System.nanoTime() - started.get()) / 1e9;
    double cpu = ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    System.out.printf(Locale.ROOT, "{\"peer\":\"kafka-streams\",\"guarantee\":\"%s\",\"threads\":%s,\"points\":%d,\"seconds\":%.2f,\"pointsPerSecond\":%.0f,\"cpuSeconds\":%.1f,\"results\":%d}%n",
      a[4], a[5], folded.get(), seconds, folded.get() / seconds, cpu, results.get());
    System.out.flush();
    while (System.in.read() >= 0) { }
    streams.close(Duration.ofSeconds(5));
    System.exit(0);
  }
}
