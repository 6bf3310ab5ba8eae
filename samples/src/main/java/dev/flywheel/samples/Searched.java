package dev.flywheel.samples;

import dev.flywheel.pipeline.train.MlpTrainer;
import dev.flywheel.pipeline.train.Range;
import dev.flywheel.pipeline.train.Search;
import dev.flywheel.pipeline.train.Trainers;
import java.time.Duration;

/** A candidate whose settings are searched for. */
final class Searched {

    private Searched() {}

    static Search<MlpTrainer> network() {
        return Trainers.search(Trainers.mlp(64, 32))
                .vary(MlpTrainer::learningRate, Range.log(1e-4, 1e-1))
                .vary(MlpTrainer::dropout, Range.of(0, 0.5))
                .vary(MlpTrainer::hidden, Range.anyOf(new int[] {64}, new int[] {64, 32}))
                .trials(40)
                .within(Duration.ofMinutes(2));
    }
}
