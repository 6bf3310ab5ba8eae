package dev.flywheel.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.benchmarks.Contender.One;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Whoever is timed does the same work: the answers agree. */
class ContendersTest {

    private final List<float[]> inputs = List.of(SmallMlp.rows(64));

    @BeforeAll
    static void djlMakesTheEnvironment() {
        Djl.first();
    }

    @Test
    void oneInputACallIsAnsweredAlike() throws Exception {
        List<Contender<One<float[]>>> contenders = Mlp.blocking(SmallMlp.write(), 9);
        Same.answers(contenders, One::answer, inputs);
        assertThat(contenders)
                .extracting(Contender::name)
                .containsExactly(
                        "flywheel",
                        "flywheel-lane-each",
                        "ort-inline",
                        "ort-readme",
                        "djl-predictor",
                        "queue-1-worker");
        contenders.forEach(Contender::close);
    }

    @Test
    void listsAreAnsweredAlike() throws Exception {
        var contenders = Mlp.lists(SmallMlp.write());
        Same.lists(contenders, inputs);
        assertThat(contenders).hasSize(5);
        contenders.forEach(Contender::close);
    }

    @Test
    void futuresComeToTheSame() throws Exception {
        var contenders = Mlp.later(SmallMlp.write());
        Same.answers(contenders, Mlp::value, inputs);
        assertThat(contenders).hasSize(3);
        contenders.forEach(Contender::close);
    }

    @Test
    void anotherAnswerIsFoundOut() {
        Path one = SmallMlp.write(1);
        Path other = SmallMlp.write(2);
        List<Contender<One<float[]>>> contenders = List.of(lane("first", one), lane("second", other));
        assertThatThrownBy(() -> Same.answers(contenders, One::answer, inputs))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("the answers of first and second on input 0 differ: [");
    }

    @Test
    void embeddingsOfOtherDirectionsAreFoundOut() {
        List<float[]> one = List.of(new float[] {1, 0});
        List<float[]> other = List.of(new float[] {0, 1});
        assertThatThrownBy(() -> Same.embeddings(List.of(one, other), 0.9))
                .hasMessage("two contenders embed text 0 differently: cosine 0.0, expected at least 0.9");
    }

    private static Contender<One<float[]>> lane(String name, Path model) {
        return new Contender<>(
                name,
                () -> {
                    BareLane lane = BareLane.open(model, 1);
                    return One.with(lane, lane::run);
                },
                List.of());
    }
}
