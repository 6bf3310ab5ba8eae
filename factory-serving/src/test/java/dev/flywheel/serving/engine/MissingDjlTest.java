package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.pytorch.engine.PtEngine;
import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.TorchScript;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** DJL does not come with this library; whoever serves one of its models without it is told what to add. */
class MissingDjlTest {

    private static final String COORDINATES = "add ai.djl.pytorch:pytorch-engine:0.35.1, "
            + "ai.djl.pytorch:pytorch-jni:2.7.1-0.35.1 and ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier "
            + "linux-x86_64, linux-aarch64, osx-aarch64 or win-x86_64.";

    @TempDir
    Path directory;

    /** What the other JVM runs. */
    public static final class Main {
        /** Opens the TorchScript file that is the argument and prints how that failed. */
        public static void main(String[] arguments) {
            try {
                DjlEngine.torchScript(Path.of(arguments[0]), TensorSpec.of("x", ElementType.FLOAT, -1, 1))
                        .close();
                System.out.println("OPENED");
            } catch (MissingEngineException e) {
                System.out.println("MISSING " + e.getMessage());
                System.out.println("TRACKING " + System.getProperty("OPT_OUT_TRACKING"));
            }
        }
    }

    @Test
    void withoutDjlItSaysWhatToAdd() throws Exception {
        assertThat(without(entry -> entry.contains("ai/djl".replace("/", File.separator))))
                .contains("MISSING cannot use DJL's PyTorch engine: its classes are not on the class path "
                        + "(ai.djl.engine.Engine). Fix: " + COORDINATES);
    }

    @Test
    void withoutThePyTorchEngineItSaysWhatToAdd() throws Exception {
        String engine = Path.of(PtEngine.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI())
                .toString();
        assertThat(without(engine::equals))
                .contains("MISSING cannot use DJL's PyTorch engine: its classes are not on the class path "
                        + "(ai.djl.pytorch.engine.PtEngine). Fix: " + COORDINATES);
    }

    @Test
    void withoutTheNativeLibraryItSaysWhatToAddAndDownloadsNothing() throws Exception {
        assertThat(without(entry -> entry.contains("pytorch-native")))
                .contains(
                        "MISSING cannot use DJL's PyTorch engine: PyTorch's native library is absent or does not load")
                .contains("Fix: add ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier linux-x86_64")
                .contains("TRACKING true");
    }

    @Test
    void withAllOfItItOpens() throws Exception {
        assertThat(without(entry -> false)).contains("OPENED");
    }

    @Test
    void noEngineOfDjlComesWithServing() throws Exception {
        NodeList dependencies = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new File("pom.xml"))
                .getElementsByTagName("dependency");
        int found = 0;
        for (int i = 0; i < dependencies.getLength(); i++) {
            Element dependency = (Element) dependencies.item(i);
            if (text(dependency, "groupId").startsWith("ai.djl")) {
                found++;
                assertThat(text(dependency, "optional") + text(dependency, "scope"))
                        .isIn("true", "test");
            }
        }
        assertThat(found).isPositive();
    }

    private static String text(Element element, String tag) {
        NodeList children = element.getElementsByTagName(tag);
        return children.getLength() == 0 ? "" : children.item(0).getTextContent();
    }

    private String without(Predicate<String> left) throws Exception {
        Path file = TorchScript.times(directory.resolve("m.pt"), 2);
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(left.negate())
                .collect(Collectors.joining(File.pathSeparator));
        Path output = Files.createTempFile(directory, "output", ".txt");
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-DDJL_CACHE_DIR=" + directory,
                "-DENGINE_CACHE_DIR=" + directory,
                Main.class.getName(),
                file.toString());
        builder.environment().put("CLASSPATH", classPath);
        builder.redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start()
                .waitFor();
        return Files.readString(output, StandardCharsets.UTF_8);
    }
}
