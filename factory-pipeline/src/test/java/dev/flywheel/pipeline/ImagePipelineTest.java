package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Length;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.pipeline.source.Rows;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images through the whole loop: trained on, reported, served, logged, watched and learned from again. */
class ImagePipelineTest {

    @SuppressWarnings("ArrayRecordComponent") // what the library asks for
    record Picture(@Length(16) float[] pixels) {}

    @TempDir
    Path directory;

    /** Brighter above, or below. */
    private static Picture picture(Random random, boolean above) {
        float[] pixels = new float[16];
        for (int i = 0; i < 16; i++) {
            pixels[i] = random.nextFloat() + (i < 8 == above ? 0.4f : 0);
        }
        return new Picture(pixels);
    }

    private static Pipeline<Picture, Boolean, Double> pipeline() {
        return Pipeline.named("pictures")
                .from(Rows.of("400 random pictures", Picture.class, Target.isTrue("above"), () -> {
                    Random random = new Random(5);
                    return IntStream.range(0, 400)
                            .mapToObj(i -> Rows.Example.of(picture(random, i % 2 == 0), i % 2 == 0));
                }))
                .check(Check.column("pixels").notNull())
                .features(Features.of(Picture.class).image(Picture::pixels, 1, 4, 4))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.9))
                .respond(p -> p)
                .watch(Watch.defaults())
                .log(Logging.of(Picture.class).durability(Durability.ACKNOWLEDGED))
                .build();
    }

    @Test
    void picturesGoThroughTheWholeLoop() {
        Random random = new Random(6);
        List<Picture> pictures = new ArrayList<>();
        IntStream.range(0, 60).forEach(i -> pictures.add(picture(random, i % 2 == 0)));
        try (Factory factory = Factory.open(directory);
                Deployment<Picture, Boolean, Double> live = factory.start(pipeline())) {
            Map<UUID, Boolean> outcomes = new LinkedHashMap<>();
            int right = 0;
            for (int i = 0; i < pictures.size(); i++) {
                var prediction = live.predict(pictures.get(i));
                outcomes.put(prediction.id(), i % 2 == 0);
                right += prediction.value() > 0.5 == (i % 2 == 0) ? 1 : 0;
            }
            assertThat(right).isGreaterThan(45);
            assertThat(live.predictAll(pictures)).hasSize(60);
            assertThat(live.watched().orElseThrow().rows()).isEqualTo(120);
            live.feedback(outcomes);

            Run run = live.retrain().join();

            assertThat(run.outcome()).as(run.reason()).isNotEqualTo(Run.Outcome.FAILED);
            assertThat(run.report()).content().contains("vector, by the mean of each");
            // the outcomes have become examples
            assertThat(run.report()).content().contains("460");
        }
    }
}
