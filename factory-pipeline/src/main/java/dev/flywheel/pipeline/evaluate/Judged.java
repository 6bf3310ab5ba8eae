package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.explain.Robustness;
import dev.flywheel.pipeline.export.Parity;

/**
 * A candidate before the gates: what it predicted on the test rows, and what costs more to find out, which is found out
 * when a gate asks. Not thread-safe.
 *
 * <p>A run knows all of it. Elsewhere an evaluation is enough for the gates about metrics.
 */
@FunctionalInterface
public interface Judged {

    /** {@return what it predicted on the test rows, beside the champion} */
    Evaluation evaluation();

    /** {@return the test rows: the columns of the input, then those whose names begin with '$'} */
    default Dataset test() {
        throw unknown("the test rows");
    }

    /** {@return the size of all files of the candidate's artifact, in bytes} */
    default long bytes() {
        throw unknown("its artifact");
    }

    /**
     * {@return how long single predictions take, in nanoseconds, one after the other on an endpoint that serves the
     * candidate and has warmed up}
     *
     * @param predictions how many to measure
     */
    default long[] latencies(int predictions) {
        throw unknown("an endpoint that serves it");
    }

    /** {@return how far the exported graph is from the engine that trained the candidate} */
    default Parity parity() {
        throw unknown("the engine that trained it");
    }

    /** {@return how much of the exported graph's quality is lost where the test rows are disturbed} */
    default Robustness robustness(Metric metric, Perturbation perturbation) {
        throw unknown("its exported graph");
    }

    private static UnsupportedOperationException unknown(String what) {
        return new UnsupportedOperationException(
                "this gate needs " + what + ", and only the candidate's evaluation is at hand");
    }
}
