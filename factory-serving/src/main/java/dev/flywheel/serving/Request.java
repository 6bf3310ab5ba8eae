package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Call;

/** One input on its way to its prediction. */
final class Request<I, O> extends Call<Prediction<O>> {

    final I input;

    Request(I input) {
        this.input = input;
    }
}
