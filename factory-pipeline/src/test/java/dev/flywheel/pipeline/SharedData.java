package dev.flywheel.pipeline;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The reference data sets and results in the folder {@code shared} beside the checkout. */
final class SharedData {

    private SharedData() {}

    /** {@return a data set's file} Skips the test where it is absent. */
    static Path csv(String name) {
        return find("shared/data/" + name + ".csv.gz");
    }

    /** {@return a file of reference results} Skips the test where it is absent. */
    static Path vectors(String name) {
        return find("shared/vectors/" + name);
    }

    private static Path find(String file) {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve(file))) {
                return at.resolve(file);
            }
        }
        Assumptions.abort("needs " + file + " beside the checkout");
        throw new AssertionError("unreachable");
    }
}
