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

    private static final int MOST = Integer.MAX_VALUE - 8;

    private DatasetScorer() {}

    /** {@return the model's numbers for each row, in the dataset's order} */
    static double[] score(Engine engine, Dataset data) {
        try (Lane lane = engine.newLane(ROWS);
                Scan scan = data.scan()) {
            lane.inBulk();
            BatchPacker packer = BatchPacker.of(lane, data.schema());
            int width = Math.max(1, lane.output(0).width());
            TensorBuffer prediction = RowCodec.prediction(lane, width);
            if (data.rows() > MOST / width) {
                throw new IllegalArgumentException("an array cannot hold the scores of " + data.rows() + " rows, "
                        + width + " each, at most " + MOST);
            }
            double[] scores = new double[(int) data.rows() * width];
            int done = 0;
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int from = 0; from < batch.rows(); from += lane.maxRows()) {
                    int rows = Math.min(lane.maxRows(), batch.rows() - from);
                    packer.pack(batch, from, rows);
                    lane.run(rows);
                    for (int i = 0; i < rows * width; i++) {
                        scores[done++] = prediction.number(i);
                    }
                }
            }
            return scores;
        }
    }
}
