package dev.flywheel.pipeline.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ModelVersion;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplainerTest {

    @TempDir
    Path folder;

    private final Schema inputs = Schema.of(Vectors.SCHEMA.columns().subList(0, 2));

    private Explainer kept(int rows) {
        Dataset data = Vectors.rows(folder, 300);
        Path version = folder.resolve("version");
        Explainer.keep(version, Vectors.SIGNATURE, data, rows, column -> true, 1);
        return Explainer.open(ModelVersion.at(version, 3));
    }

    @Test
    void aVectorIsOnePlayer() {
        Explanation found = kept(300)
                .explain(Row.type(inputs), Row.of("image", new float[] {1, 2, 3, 4}, "extra", true), Vectors.SUMS);

        assertThat(found.version()).isEqualTo(3);
        assertThat(found.backgroundRows()).isEqualTo(Explainer.BACKGROUND_ROWS);
        assertThat(found.prediction()).isEqualTo(11);
        assertThat(found.contributions())
                .extracting(Explanation.Contribution::column)
                .containsExactly("image", "extra");
        assertThat(found.contributions().get(0).value()).isCloseTo(11 - found.base(), within(1e-12));
        assertThat(found.contributions().get(1).value()).isZero();
    }

    /** Each of three classes has a probability of its own; explained is that of the second. */
    @Test
    void theMostProbableOfSeveralClassesIsExplained() {
        Subject.Scorer classes = rows -> rows.stream()
                .flatMapToDouble(row -> {
                    double sum = Vectors.SUMS.score(List.of(row))[0] / 100;
                    return DoubleStream.of(0.3 - sum, 0.6 + sum, 0.1);
                })
                .toArray();

        Explanation found =
                kept(300).explain(Row.type(inputs), Row.of("image", new float[] {1, 2, 3, 4}, "extra", false), classes);

        assertThat(found.output()).isEqualTo(1);
        assertThat(found.prediction()).isCloseTo(0.7, within(1e-12));
        assertThat(found.contributions().get(1).value()).isCloseTo(-0.01, within(1e-9));
    }

    @Test
    void onlyRowsAndColumnsThatMayBeKeptAre() {
        assertThat(kept(20).explain(Row.type(inputs), Row.of("image", new float[4], "extra", true), Vectors.SUMS)
                        .backgroundRows())
                .isEqualTo(20);

        Path other = folder.resolve("other");
        Explainer.keep(other, Vectors.SIGNATURE, Vectors.rows(folder, 300), 300, column -> !column.equals("image"), 1);

        assertThat(other).doesNotExist();
        assertThatThrownBy(() -> Explainer.open(ModelVersion.at(other, 4)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("version 4 cannot explain its predictions")
                .hasMessageContaining("no rows that it learned from are kept");
    }
}
