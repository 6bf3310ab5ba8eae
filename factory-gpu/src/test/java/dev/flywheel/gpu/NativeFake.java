package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Libraries of the driver that stand in for the real ones, compiled from C by the tests that need them. */
final class NativeFake {

    private NativeFake() {}

    /** {@return the compiled library; the test is skipped where there is no gcc} */
    static Path compile(Path directory, String source, String library, String... defines)
            throws IOException, InterruptedException {
        return compile(
                directory,
                source,
                library,
                Stream.of(defines).map(d -> "-D" + d).toList());
    }

    /** {@return the library, compiled with further flags of gcc; the test is skipped where there is no gcc} */
    static Path compile(Path directory, String source, String library, List<String> flags)
            throws IOException, InterruptedException {
        Path made = directory.resolve(library);
        List<String> command = new ArrayList<>(List.of("gcc", "-shared", "-fPIC", "-O1", "-o", made.toString()));
        command.add(Path.of("src/test/native", source).toAbsolutePath().toString());
        command.addAll(flags);
        Process gcc;
        try {
            gcc = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            Assumptions.abort("there is no gcc to compile the fake " + library + " with: " + e.getMessage());
            throw e;
        }
        String said = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(gcc.waitFor()).as(said).isZero();
        return made;
    }
}
