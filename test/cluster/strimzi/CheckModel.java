import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePool;
import io.strimzi.api.kafka.model.topic.KafkaTopic;
import io.strimzi.api.kafka.model.user.KafkaUser;
import java.util.Map;

/**
 * Reads Kubernetes manifests from standard input into Strimzi's own model of its custom resources, and prints one line per
 * manifest: its kind, its name, and `ok` or the first field that the model does not know or cannot read. Manifests of other
 * kinds are passed over. The model states fields and types; it knows neither required fields nor ranges.
 */
public class CheckModel {
  private static final Map<String, Class<?>> MODEL = Map.of(
      "Kafka", Kafka.class, "KafkaNodePool", KafkaNodePool.class, "KafkaTopic", KafkaTopic.class, "KafkaUser", KafkaUser.class);

  /** Strimzi's classes collect fields that they do not know; without that, Jackson reports them. */
  private static class WithoutCollectors extends JacksonAnnotationIntrospector {
    @Override
    public Boolean hasAnySetter(Annotated annotated) {
      return false;
    }
  }

  public static void main(String[] args) throws Exception {
    ObjectMapper mapper = new ObjectMapper(new YAMLFactory());
    mapper.setAnnotationIntrospector(new WithoutCollectors());
    mapper.enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
    try (MappingIterator<JsonNode> documents = mapper.readerFor(JsonNode.class).readValues(System.in)) {
      while (documents.hasNext()) {
        JsonNode document = documents.next();
        Class<?> type = MODEL.get(document.path("kind").asText());
        if (type == null || !document.path("apiVersion").asText().startsWith("kafka.strimzi.io/")) continue;
        String name = document.path("kind").asText() + " " + document.path("metadata").path("name").asText();
        System.out.println(name + ": " + problem(mapper, document, type));
      }
    }
  }

  private static String problem(ObjectMapper mapper, JsonNode document, Class<?> type) throws Exception {
    try {
      mapper.treeToValue(document, type);
      return "ok";
    } catch (JsonMappingException error) {
      return error.getOriginalMessage() + " at " + error.getPathReference();
    }
  }
}
