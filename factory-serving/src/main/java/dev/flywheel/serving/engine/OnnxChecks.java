package dev.flywheel.serving.engine;

import dev.flywheel.core.MissingEngineException;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What can be wrong with ONNX Runtime on a class path, found out without linking to it. */
final class OnnxChecks {

    private static final Logger log = LoggerFactory.getLogger(OnnxChecks.class);

    /** ONNX Runtime 1.29.0 overruns a buffer when it reports a command line longer than about 4 KiB. */
    private static final int SAFE_COMMAND_LINE_BYTES = 4_000;

    private static final String CANNOT = "cannot use ONNX Runtime";

    private OnnxChecks() {}

    /** @throws MissingEngineException if its classes are not there */
    static void require() {
        try {
            Class.forName("ai.onnxruntime.OrtEnvironment", false, OnnxChecks.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            throw absent(e);
        }
    }

    static MissingEngineException absent(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        boolean noClasses = root instanceof ClassNotFoundException;
        return new MissingEngineException(
                CANNOT,
                noClasses
                        ? "its classes are not on the class path (" + root.getMessage() + ")"
                        : "its native library does not load on " + System.getProperty("os.name") + " "
                                + System.getProperty("os.arch") + " (" + root + ")",
                noClasses
                        ? "add com.microsoft.onnxruntime:onnxruntime:1.28.0"
                        : "use a platform that com.microsoft.onnxruntime:onnxruntime:1.28.0 has natives for, and let "
                                + "java.io.tmpdir (" + System.getProperty("java.io.tmpdir")
                                + ") be a directory where a library may be written and loaded",
                cause);
    }

    /** {@return where its classes are found} */
    static Set<String> copies(@Nullable ClassLoader loader) {
        try {
            List<URL> found = loader == null
                    ? List.of()
                    : Collections.list(loader.getResources("ai/onnxruntime/OrtEnvironment.class"));
            Set<String> places = new TreeSet<>();
            for (URL url : found) {
                places.add(url.toString().replaceFirst("^jar:", "").replaceFirst("!?/ai/onnxruntime/.*$", ""));
            }
            return places;
        } catch (IOException e) {
            log.debug("could not count the copies of ONNX Runtime on the class path", e);
            return Set.of();
        }
    }

    static void refuseTwo(Set<String> places) {
        if (places.size() < 2) {
            return;
        }
        boolean gpu = places.stream().anyMatch(p -> p.contains("onnxruntime_gpu"));
        throw new MissingEngineException(
                CANNOT,
                "its classes are on the class path " + places.size() + " times, in " + String.join(" and ", places)
                        + ", and one copy would load the native library of the other",
                "keep one and exclude the other where it comes in, with <exclusion>"
                        + "<groupId>com.microsoft.onnxruntime</groupId><artifactId>"
                        + (gpu ? "onnxruntime" : "onnxruntime_gpu") + "</artifactId></exclusion>");
    }

    static void refuseCrash(@Nullable String version) {
        refuseCrash(version, commandLineBytes(), System.getenv("ORT_DISABLE_TELEMETRY"));
    }

    static void refuseCrash(@Nullable String version, long commandLineBytes, @Nullable String disableTelemetry) {
        if ("1.29.0".equals(version) && commandLineBytes > SAFE_COMMAND_LINE_BYTES && !"1".equals(disableTelemetry)) {
            throw new MissingEngineException(
                    CANNOT,
                    "version 1.29.0 kills the process when the command line is longer than about 4 KiB, and this one has "
                            + commandLineBytes + " bytes",
                    "use version 1.28.0, or start Java with the environment variable ORT_DISABLE_TELEMETRY=1, or put the "
                            + "class path into an argument file (java @args)");
        }
    }

    private static long commandLineBytes() {
        Path own = Path.of("/proc/self/cmdline");
        try {
            if (Files.isReadable(own)) {
                return Files.readAllBytes(own).length;
            }
        } catch (IOException e) {
            log.debug("could not read {}", own, e);
        }
        return (long) System.getProperty("java.class.path", "").length()
                + System.getProperty("sun.java.command", "").length();
    }
}
