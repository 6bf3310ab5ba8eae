package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Call;

/** One input on its way to its prediction. */
final class Request<I, O> extends Call<Prediction<O>> {

    /** What the caller gave. */
    final I input;

    /** What the codec writes. */
    final Object prepared;

    Request(I input, Object prepared, int length) {
        super(length);
        this.input = input;
        this.prepared = prepared;
    }
}
