package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.MissingEngineException;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class OnnxRuntimeTest {

    @Test
    void refusesTwoCopiesWithAnExclusionToPaste() {
        Set<String> places =
                new TreeSet<>(Set.of("file:/m2/onnxruntime-1.28.0.jar", "file:/m2/onnxruntime_gpu-1.28.0.jar"));
        assertThatThrownBy(() -> OnnxChecks.refuseTwo(places))
                .isInstanceOf(MissingEngineException.class)
                .hasMessage("cannot use ONNX Runtime: its classes are on the class path 2 times, in "
                        + "file:/m2/onnxruntime-1.28.0.jar and file:/m2/onnxruntime_gpu-1.28.0.jar, and one copy would "
                        + "load the native library of the other. Fix: keep one and exclude the other where it comes in,"
                        + " with <exclusion><groupId>com.microsoft.onnxruntime</groupId>"
                        + "<artifactId>onnxruntime</artifactId></exclusion>.");
        assertThatCode(() -> OnnxChecks.refuseTwo(Set.of("file:/m2/onnxruntime-1.28.0.jar")))
                .doesNotThrowAnyException();
    }

    @Test
    void refusesTheVersionThatWouldKillTheProcess() {
        assertThatThrownBy(() -> OnnxChecks.refuseCrash("1.29.0", 5_000, null))
                .isInstanceOf(MissingEngineException.class)
                .hasMessage("cannot use ONNX Runtime: version 1.29.0 kills the process when the command line is longer "
                        + "than about 4 KiB, and this one has 5000 bytes. Fix: use version 1.28.0, or start Java with "
                        + "the environment variable ORT_DISABLE_TELEMETRY=1, or put the class path into an argument "
                        + "file (java @args).");
        assertThatCode(() -> {
                    OnnxChecks.refuseCrash("1.29.0", 5_000, "1");
                    OnnxChecks.refuseCrash("1.29.0", 3_000, null);
                    OnnxChecks.refuseCrash("1.28.0", 50_000, null);
                    OnnxChecks.refuseCrash(null, 50_000, null);
                })
                .doesNotThrowAnyException();
    }

    @Test
    void tellsAMissingJarFromANativeLibraryThatDoesNotLoad() {
        assertThat(OnnxChecks.absent(new NoClassDefFoundError("ai/onnxruntime/OrtEnvironment")
                        .initCause(new ClassNotFoundException("ai.onnxruntime.OrtEnvironment"))))
                .hasMessage("cannot use ONNX Runtime: its classes are not on the class path "
                        + "(ai.onnxruntime.OrtEnvironment). Fix: add com.microsoft.onnxruntime:onnxruntime:1.28.0.");
        assertThat(OnnxChecks.absent(new ExceptionInInitializerError(new UnsatisfiedLinkError("no such library"))))
                .hasMessageContaining("its native library does not load on ")
                .hasMessageContaining("no such library");
    }

    @Test
    void hasOneEnvironment() {
        assertThat(OnnxRuntime.environment()).isSameAs(OnnxRuntime.environment());
    }
}
