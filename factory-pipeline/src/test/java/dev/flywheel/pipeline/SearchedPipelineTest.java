package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.LinearTrainer;
import dev.flywheel.pipeline.train.Range;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchedPipelineTest {

    @TempDir
    Path directory;

    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    private Pipeline<Point, Boolean, Double> pipeline() {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.search(Trainers.logistic())
                        .vary(LinearTrainer::l2, Range.log(0.01, 100))
                        .trials(6))
                .gate(Gate.atMost(Metric.LOG_LOSS, 5))
                .respond(p -> p)
                .build();
    }

    @Test
    void aRunTrainsWhatTheSearchFindsAndTheNextBeginsWithIt() throws IOException {
        CompletableFuture<String> last = new CompletableFuture<>();
        Factory.Options options = Factory.options().onProgress(progress -> {
            if (progress.stage().startsWith("searching: trial 6 of 6, ")) {
                last.complete(progress.stage());
            }
        });
        try (Factory factory = Factory.open(directory.resolve("home"), options)) {
            Run first = factory.run(pipeline());
            assertThat(first.outcome()).as(first.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(first.candidate()).startsWith("logistic(l2=").isNotEqualTo("logistic(l2=1, iterations=200)");
            assertThat(last.join()).contains("best Log loss so far 0.").endsWith(" by " + first.candidate());
            assertThat(first.report().resolveSibling("run.json"))
                    .content()
                    .contains("search of candidate 1")
                    .contains("6 trials in ");
            assertThat(directory.resolve("home/pipelines/points/searches")).doesNotExist();
            assertThat(tried(first).get(0)).contains("\"trainer\":\"logistic(l2=1, iterations=200)\"");

            Run second = factory.run(pipeline());
            assertThat(tried(second).get(0)).contains("\"trainer\":\"" + first.candidate() + "\"");
            assertThat(tried(second).get(1)).contains("\"trainer\":\"logistic(l2=1, iterations=200)\"");
        }
    }

    private static List<String> tried(Run run) throws IOException {
        return Files.readAllLines(run.report().resolveSibling("search-0.jsonl")).stream()
                .filter(line -> line.contains("\"what\":\"TRIED\""))
                .toList();
    }
}
