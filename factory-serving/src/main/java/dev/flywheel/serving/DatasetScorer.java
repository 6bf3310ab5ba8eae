package dev.flywheel.serving;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;

/** Runs a model over a whole dataset, in a lane of its own. Apart from the endpoint, because it needs Arrow. */
final class DatasetScorer {

    /** Larger batches gain nothing on a small model, and leave the second-level cache. */
    private static final int ROWS = 1024;

    private DatasetScorer() {}

    /** {@return the model's number for each row, in the dataset's order} */
    static double[] score(Engine engine, Dataset data) {
        if (data.rows() > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "an array cannot hold the scores of " + data.rows() + " rows, at most " + (Integer.MAX_VALUE - 8));
        }
        double[] scores = new double[(int) data.rows()];
        int done = 0;
        try (Lane lane = engine.newLane(ROWS);
                Scan scan = data.scan()) {
            BatchPacker packer = BatchPacker.of(lane, data.schema());
            TensorBuffer prediction = RowCodec.prediction(lane);
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int from = 0; from < batch.rows(); from += lane.maxRows()) {
                    int rows = Math.min(lane.maxRows(), batch.rows() - from);
                    packer.pack(batch, from, rows);
                    lane.run(rows);
                    for (int row = 0; row < rows; row++) {
                        scores[done++] = prediction.number(row);
                    }
                }
            }
        }
        return scores;
    }
}
