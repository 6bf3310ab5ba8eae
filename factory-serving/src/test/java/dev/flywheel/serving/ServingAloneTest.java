package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtEnvironment;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

class ServingAloneTest {

    @TempDir
    Path directory;

    /** The Java that runs this test, and another one where the build names its home. */
    static Stream<Path> javas() {
        String other = System.getProperty("flywheel.test.java", "");
        return Stream.of(System.getProperty("java.home"), other)
                .filter(home -> !home.isEmpty())
                .map(home -> Path.of(home, "bin", "java"));
    }

    @ParameterizedTest
    @MethodSource("javas")
    void servesWithNothingButServingCoreOnnxRuntimeAndSlf4j(Path java) throws Exception {
        List<String> lines = run(
                java,
                List.of(
                        place(ServeAlone.class),
                        place(Endpoint.class),
                        place(dev.flywheel.core.model.Prediction.class),
                        place(OrtEnvironment.class),
                        place(LoggerFactory.class)),
                0);
        assertThat(lines)
                .containsSubsequence(
                        "absent: org.apache.arrow.vector.VectorSchemaRoot",
                        "absent: org.apache.arrow.memory.RootAllocator",
                        "absent: ai.djl.engine.Engine",
                        "absent: ai.djl.pytorch.engine.PtEngine",
                        "absent: com.google.common.collect.ImmutableList",
                        "absent: com.fasterxml.jackson.databind.ObjectMapper",
                        "absent: com.github.benmanes.caffeine.cache.Caffeine",
                        "absent: io.micrometer.core.instrument.MeterRegistry",
                        "observed: 2.0",
                        "version 1: 2.0",
                        "observed: 4.0",
                        "version 1: 4.0",
                        "observed: 6.0",
                        "observed: 8.0",
                        "version 1: 6.0",
                        "version 1: 8.0",
                        "observed: 3.0",
                        "version 2: 3.0",
                        "requests: 5");
    }

    @ParameterizedTest
    @MethodSource("javas")
    void withoutOnnxRuntimeItSaysWhatToAdd(Path java) throws Exception {
        List<String> lines = run(
                java,
                List.of(
                        place(ServeAlone.class),
                        place(Endpoint.class),
                        place(dev.flywheel.core.model.Prediction.class),
                        place(LoggerFactory.class)),
                1);
        assertThat(String.join("\n", lines))
                .contains("MissingEngineException: cannot use ONNX Runtime: its classes are not on the class path")
                .contains("Fix: add com.microsoft.onnxruntime:onnxruntime:1.28.0.");
    }

    @ParameterizedTest
    @MethodSource("javas")
    void withTwoOnnxRuntimesItSaysWhichToExclude(Path java) throws Exception {
        Path copy = directory.resolve("onnxruntime_gpu/ai/onnxruntime/OrtEnvironment.class");
        Files.createDirectories(copy.getParent());
        try (var in = OrtEnvironment.class.getResourceAsStream("OrtEnvironment.class")) {
            Files.write(copy, Objects.requireNonNull(in).readAllBytes());
        }
        List<String> lines = run(
                java,
                List.of(
                        place(ServeAlone.class),
                        place(Endpoint.class),
                        place(dev.flywheel.core.model.Prediction.class),
                        place(OrtEnvironment.class),
                        directory.resolve("onnxruntime_gpu").toString(),
                        place(LoggerFactory.class)),
                1);
        assertThat(String.join("\n", lines))
                .contains("MissingEngineException: cannot use ONNX Runtime: its classes are on the class path 2 times")
                .contains("<artifactId>onnxruntime</artifactId></exclusion>");
    }

    private List<String> run(Path java, List<String> classPath, int expectedExit)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                java.toString(),
                "-cp",
                String.join(File.pathSeparator, classPath),
                "-Xshare:auto",
                ServeAlone.class.getName(),
                TestModels.times(directory.resolve("two.onnx"), 2).toString(),
                TestModels.times(directory.resolve("three.onnx"), 3).toString()));
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        int exit = process.waitFor();
        List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
        assertThat(exit).as(String.join("\n", lines)).isEqualTo(expectedExit);
        return lines;
    }

    private static String place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI())
                .toString();
    }
}
