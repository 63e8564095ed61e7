import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.strimzi.api.kafka.model.common.template.PodTemplate;
import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.kafka.Storage;
import io.strimzi.platform.PlatformFeatures;
import io.strimzi.plugin.security.profiles.ContainerSecurityProviderContext;
import io.strimzi.plugin.security.profiles.PodSecurityProvider;
import io.strimzi.plugin.security.profiles.PodSecurityProviderContext;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads Kubernetes manifests from standard input and prints, as JSON by name, the specs of the pods that Strimzi makes of the
 * one of kind Kafka: the broker and the entity operator, each with the security settings of a provider of Strimzi's, but
 * without images, volumes and the like. The argument names the provider as Strimzi's setting does: `baseline` (Strimzi's
 * default) or `restricted`.
 */
public class PodsOfKafka {
  public static void main(String[] args) throws Exception {
    String name = args[0].substring(0, 1).toUpperCase() + args[0].substring(1) + "PodSecurityProvider";
    PodSecurityProvider provider = (PodSecurityProvider)
        Class.forName("io.strimzi.plugin.security.profiles.impl." + name).getDeclaredConstructor().newInstance();
    // Every answer about the platform is no: it is not OpenShift.
    provider.configure((PlatformFeatures) Proxy.newProxyInstance(PodsOfKafka.class.getClassLoader(),
        new Class<?>[] {PlatformFeatures.class}, (proxy, method, arguments) -> false));

    PodTemplate brokers = kafkaOf(System.in).getSpec().getKafka().getTemplate().getPod();
    Map<String, PodSpec> pods = new LinkedHashMap<>();
    pods.put("kafka", pod(provider.kafkaPodSecurityContext(forPod(brokers.getSecurityContext())),
        container("kafka", provider.kafkaContainerSecurityContext(forContainer()))));
    pods.put("entity-operator", pod(provider.entityOperatorPodSecurityContext(forPod(null)),
        container("topic-operator", provider.entityTopicOperatorContainerSecurityContext(forContainer())),
        container("user-operator", provider.entityUserOperatorContainerSecurityContext(forContainer()))));
    System.out.println(new ObjectMapper().writeValueAsString(pods));
  }

  private static Kafka kafkaOf(java.io.InputStream manifests) throws Exception {
    ObjectMapper mapper = new ObjectMapper(new YAMLFactory());
    try (MappingIterator<JsonNode> documents = mapper.readerFor(JsonNode.class).readValues(manifests)) {
      while (documents.hasNext()) {
        JsonNode document = documents.next();
        if (document.path("kind").asText().equals("Kafka")) return mapper.treeToValue(document, Kafka.class);
      }
    }
    throw new IllegalArgumentException("no manifest is of the kind Kafka");
  }

  private static PodSpec pod(PodSecurityContext context, Container... containers) {
    return new PodSpecBuilder().withSecurityContext(context).withContainers(containers).build();
  }

  private static Container container(String name, SecurityContext context) {
    return new ContainerBuilder().withName(name).withImage("strimzi").withSecurityContext(context).build();
  }

  private static PodSecurityProviderContext forPod(PodSecurityContext fromManifest) {
    return new PodSecurityProviderContext() {
      @Override
      public Storage storage() {
        return null;
      }

      @Override
      public PodSecurityContext userSuppliedSecurityContext() {
        return fromManifest;
      }
    };
  }

  private static ContainerSecurityProviderContext forContainer() {
    return new ContainerSecurityProviderContext() {
      @Override
      public Storage storage() {
        return null;
      }

      @Override
      public SecurityContext userSuppliedSecurityContext() {
        return null;
      }
    };
  }
}
