package dev.flywheel.pipeline.flywheel;

import dev.flywheel.pipeline.flywheel.Feedback.Kind;

/**
 * Which feedback to a prediction counts: within the patience, corrections before labels, the last of each. Not
 * thread-safe.
 */
final class FeedbackRules {

    private final Span span;
    private final JoinReport.Counter counter;

    /** @param counter of what was found */
    FeedbackRules(Span span, JoinReport.Counter counter) {
        this.span = span;
        this.counter = counter;
    }

    /** {@return whether the prediction is there, or would be in another span} */
    boolean took(JoinTable table, FeedbackFrame frame) {
        int slot = table.find(frame.high(), frame.low());
        if (slot < 0) {
            // of another span, or unknown
            return !span.belongs(frame.high());
        }
        if (!table.is(slot, JoinTable.OUTSIDE)) {
            if (frame.kind() == Kind.SATISFACTION) {
                table.score(slot, frame.value(), frame.micros());
            } else {
                outcome(table, slot, frame);
            }
        }
        return true;
    }

    private void outcome(JoinTable table, int slot, FeedbackFrame frame) {
        long micros = frame.micros();
        boolean corrects = frame.kind() == Kind.CORRECTION;
        if (micros - span.patience() > table.predicted(slot)) {
            counter.lateOutcomes++;
            table.set(slot, JoinTable.LATE);
            return;
        }
        if (!table.is(slot, JoinTable.LABELLED)) {
            counter.labels.delay(micros - table.predicted(slot));
            table.label(slot, frame.value(), frame.weight(), micros);
        } else {
            if (table.label(slot) == frame.value() && table.weight(slot) == frame.weight()) {
                counter.duplicates++;
            } else {
                counter.corrections++;
            }
            boolean corrected = table.is(slot, JoinTable.CORRECTED);
            if (corrects == corrected ? micros >= table.labelled(slot) : corrects) {
                table.label(slot, frame.value(), frame.weight(), micros);
            }
        }
        if (corrects) {
            table.set(slot, JoinTable.CORRECTED);
        }
    }
}
