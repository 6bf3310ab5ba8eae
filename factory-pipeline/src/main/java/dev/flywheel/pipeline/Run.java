package dev.flywheel.pipeline;

import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.evaluate.RunReport;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What one execution of a pipeline came to. Immutable.
 *
 * @param id the name of the run's directory; ids of one pipeline sort by start
 * @param pipeline the name of the pipeline
 * @param outcome how it ended
 * @param reason why it ended so, as a sentence
 * @param version the version that it registered, if it did
 * @param candidate the best candidate, as its trainer describes itself; empty if the run failed before there was one
 * @param metrics the best candidate's metrics on the test examples, by name
 * @param verdicts what each gate said of the best candidate
 * @param report the HTML report; written for failed runs, too
 * @param energy what the devices took while the run was at work, for all that they did in that time
 */
public record Run(
        String id,
        String pipeline,
        Outcome outcome,
        String reason,
        OptionalInt version,
        String candidate,
        Map<String, Estimate> metrics,
        List<Verdict> verdicts,
        Path report,
        Energy energy) {

    /** How a run ends. */
    public enum Outcome {
        /** The best candidate passed every gate and is champion now. */
        PROMOTED,
        /** The best candidate did not pass every gate; the champion stays. */
        REJECTED,
        /** The best candidate passed every gate and is proven in traffic beside the champion now. */
        ON_TRIAL,
        /** The run could not produce a candidate; the champion stays. */
        FAILED
    }

    /** Copies the collections. */
    public Run {
        metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
        verdicts = List.copyOf(verdicts);
    }

    /** {@return the page that shows the cards of the model and of its data} */
    public Path card() {
        return report.resolveSibling(RunReport.CARD);
    }

    /** {@return the card of the model as JSON, see {@link dev.flywheel.pipeline.evaluate.ModelFacts}} */
    public Path modelCard() {
        return report.resolveSibling(Cards.MODEL);
    }

    /** {@return the card of the data as JSON, see {@link dev.flywheel.pipeline.evaluate.DataFacts}} */
    public Path dataCard() {
        return report.resolveSibling(Cards.DATA);
    }
}
