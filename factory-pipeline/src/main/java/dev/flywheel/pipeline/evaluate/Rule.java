package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** What a {@link Gate} asks of a candidate. Immutable; a value. */
interface Rule extends Serializable {

    /** {@return which sort of rule it is} */
    Gate.Kind kind();

    /** {@return the metric that it looks at; null if it looks at none} */
    default @Nullable Metric metric() {
        return null;
    }

    /** {@return the column of the test rows that it goes by; null if it goes by none} */
    default @Nullable String column() {
        return null;
    }

    /** {@return the rule as text, equal for equal rules} */
    String describe();

    /** {@return what it says of a candidate, with the numbers} */
    Verdict judge(Judged judged);

    default Verdict verdict(Verdict.Outcome outcome, String evidence) {
        return new Verdict(describe(), outcome, evidence);
    }
}
