package dev.flywheel.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtException;
import dev.flywheel.core.model.Prediction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contenders do the same work: their outputs are equal bit for bit. */
class EndpointBenchmarkTest {

    @TempDir
    Path directory;

    private final EndpointBenchmark benchmark = new EndpointBenchmark();
    private final EndpointBenchmark.Served served = new EndpointBenchmark.Served();
    private final EndpointBenchmark.Bare bare = new EndpointBenchmark.Bare();

    @AfterEach
    void close() throws OrtException {
        served.close();
        bare.close();
    }

    @Test
    void oneInputGivesTheSameByHand() throws OrtException {
        assertThat(benchmark.predict(served)).hasSize(SmallMlp.OUTPUTS).isEqualTo(benchmark.bare(bare));
    }

    @Test
    void aListGivesTheSameByHand() throws OrtException {
        List<Prediction<float[]>> predictions = benchmark.predictAll(served);
        float[] expected = benchmark.bareBatch(bare);
        assertThat(predictions).hasSize(EndpointBenchmark.BATCH);
        for (int i = 0; i < EndpointBenchmark.BATCH; i++) {
            assertThat(predictions.get(i).value()).isEqualTo(new float[] {expected[2 * i], expected[2 * i + 1]});
        }
    }

    @Test
    void roundsCountWhatWasAnsweredAndAreWritten() throws Exception {
        Rounds rounds = new Rounds();
        List<List<Rounds.Result>> results = rounds.run(1, 2, 20, List.of(() -> () -> 3, () -> () -> 1));
        assertThat(results)
                .hasSize(2)
                .allSatisfy(contender -> assertThat(contender)
                        .hasSize(1)
                        .allSatisfy(result -> assertThat(result.rate()).isPositive()));
        Results.write(
                directory,
                "test",
                EndpointBenchmarkTest.class,
                List.of(Results.rate("counting", results.get(0), results.get(1), 0.1)));
        assertThat(Files.readString(directory.resolve("test.json")))
                .contains("\"work\" : \"counting\"", "\"ratio_to_limit\" : ", "\"commit\" : ", "\"rounds\" : [");
    }
}
